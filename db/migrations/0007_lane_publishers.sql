-- A worker publishes for all its lanes in one Kafka transaction, under an id of its own.
-- Workers of before go on beside it, but do not fence those of this version, and may undo that they
-- were fenced: while both run, one that was frozen in mid-publish, and lost its lane to one of the
-- other version, may publish once more what that one has. Stop the old ones first to exclude it.

-- Whoever may still publish for a lane: its next owner fences all of them, and then they go from here.
CREATE TABLE lane_publishers (
    lane              integer NOT NULL,
    transactional_id  text    NOT NULL,
    epoch             bigint  NOT NULL, -- the lane's, when it was taken under this id
    PRIMARY KEY (lane, transactional_id)
) WITH (fillfactor = 50);
