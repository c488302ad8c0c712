-- A worker publishes for all its lanes in one Kafka transaction, under an id of its own.
-- Workers of before go on beside it, and are fenced as it is. They fence one another only: while any
-- of them runs, one of this version that was frozen, and lost a lane to it, may publish that once more.

-- Whoever may still publish for a lane: its next owner fences all of them, and then they go from here.
CREATE TABLE lane_publishers (
    lane              integer NOT NULL,
    transactional_id  text    NOT NULL,
    epoch             bigint  NOT NULL, -- the lane's, when it was taken under this id
    PRIMARY KEY (lane, transactional_id)
) WITH (fillfactor = 50);
