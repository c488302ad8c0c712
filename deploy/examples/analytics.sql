-- How far each lane has been read: kept with what was read, and moved in the same transaction.
CREATE TABLE IF NOT EXISTS lanes (
    lane        INTEGER PRIMARY KEY,
    next_offset INTEGER NOT NULL,
    sequence    INTEGER NOT NULL -- ce_sequence of the last outcome
) STRICT;

-- Outcomes that never came, by what was before and after them.
CREATE TABLE IF NOT EXISTS gaps (
    lane   INTEGER NOT NULL,
    after  INTEGER NOT NULL,
    before INTEGER NOT NULL,
    PRIMARY KEY (lane, after)
) STRICT;

CREATE TABLE IF NOT EXISTS reservations (
    reservation_id TEXT PRIMARY KEY,
    experience_id  TEXT NOT NULL,
    units          INTEGER NOT NULL DEFAULT 0, -- reserved minus released
    held_at        REAL, -- seconds since 1970; NULL: never held
    paid_at        REAL,
    paid_by        TEXT, -- the record of the payment
    ended          TEXT  -- the type of the outcome that ended it; NULL: it is held, or never was
) STRICT;

CREATE TABLE IF NOT EXISTS refusals (
    experience_id TEXT NOT NULL,
    reason        TEXT NOT NULL,
    count         INTEGER NOT NULL,
    PRIMARY KEY (experience_id, reason)
) STRICT;

CREATE VIEW IF NOT EXISTS experiences AS
WITH
    times AS (
        SELECT experience_id, paid_at - held_at AS seconds,
               row_number() OVER (PARTITION BY experience_id ORDER BY paid_at - held_at) AS place,
               count(*) OVER (PARTITION BY experience_id) AS many
          FROM reservations
         WHERE ended = 'converted' AND held_at IS NOT NULL
    ),
    medians AS (
        SELECT experience_id, avg(seconds) AS seconds
          FROM times
         WHERE place IN ((many + 1) / 2, (many + 2) / 2)
         GROUP BY experience_id
    ),
    refused AS (SELECT experience_id, sum(count) AS count FROM refusals GROUP BY experience_id),
    held AS (
        SELECT experience_id, count(held_at) AS holds,
               count(*) FILTER (WHERE ended = 'converted' AND held_at IS NOT NULL) AS paid,
               count(*) FILTER (WHERE ended IS NULL AND held_at IS NOT NULL) AS open
          FROM reservations
         GROUP BY experience_id
    ),
    names AS (SELECT experience_id FROM held UNION SELECT experience_id FROM refused)
SELECT names.experience_id AS experience,
       coalesce(held.holds, 0) AS holds,
       coalesce(held.open, 0) AS still_held,
       coalesce(held.paid, 0) AS paid,
       round(100.0 * held.paid / nullif(held.holds, 0), 1) AS paid_percent,
       round(medians.seconds, 1) AS seconds_to_pay,
       coalesce(refused.count, 0) AS refusals
  FROM names
  LEFT JOIN held USING (experience_id)
  LEFT JOIN medians USING (experience_id)
  LEFT JOIN refused USING (experience_id)
 ORDER BY names.experience_id;
