-- What `reconcile` did to counters: written with the repair, and told by a lane at its next tick.
-- Workers of before leave the rows to those of this version, who tell them when they come.

CREATE TABLE adjustments (
    id               uuid        PRIMARY KEY, -- its outcome's too
    lane             integer     NOT NULL,    -- which tells it
    organization_id  text COLLATE "C" NOT NULL,
    product_id       text COLLATE "C" NOT NULL, -- '': of no stock line, and not told
    variant_id       text COLLATE "C" NOT NULL,
    adjusted_at      timestamptz NOT NULL DEFAULT now(),
    adjusted_by      text        NOT NULL,
    explanation      text        NOT NULL,
    changes          text        NOT NULL,    -- JSON: schemas/adjusted.py
    sequence         bigint      -- of its outcome; null until that is in the journal
) WITH (fillfactor = 85);

-- Serves: the adjustments that a lane has to tell.
CREATE INDEX adjustments_to_tell ON adjustments (lane, adjusted_at)
    WHERE sequence IS NULL AND product_id <> '';
