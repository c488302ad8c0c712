-- Dead letters, to be looked at and replayed.

-- The journal's dead letters with what their last headers tell: ours come after the record's own,
-- which may have the same names. A reason is bytes: it is shown, and no other part relies on it.
CREATE VIEW dead_letters AS
SELECT journal.id, journal.lane, journal.sequence, journal.occurred_at, journal.written_at,
       journal.key, journal.value, journal.headers,
       convert_from(told.topic, 'UTF8') AS from_topic,
       convert_from(told.partition, 'UTF8')::integer AS from_partition,
       convert_from(told."offset", 'UTF8')::bigint AS from_offset,
       told.reason,
       told.truncated  -- the size of one that is too large to be kept, and is not here
  FROM journal
 CROSS JOIN LATERAL (
       SELECT (array_agg(value ORDER BY n DESC) FILTER (WHERE name = 'dlq.topic'))[1] AS topic,
              (array_agg(value ORDER BY n DESC) FILTER (WHERE name = 'dlq.partition'))[1]
                  AS partition,
              (array_agg(value ORDER BY n DESC) FILTER (WHERE name = 'dlq.offset'))[1] AS "offset",
              (array_agg(value ORDER BY n DESC) FILTER (WHERE name = 'dlq.reason'))[1] AS reason,
              (array_agg(value) FILTER (WHERE name = 'dlq.truncated' AND n = 1
                                          AND journal.key IS NULL AND journal.value IS NULL))[1]
                  AS truncated
         FROM (SELECT n, headers[n] AS name, headers[n + 1] AS value
                 FROM generate_series(greatest(1, cardinality(headers) - 19),
                                      cardinality(headers) - 1, 2) AS n) AS pairs
       ) AS told
 WHERE journal.stream = 'dead_letters';

-- What was sent to its topic once more. Written before it is sent: a replay that nobody knows the
-- end of has no offset.
CREATE TABLE dead_letter_replays (
    dead_letter_id  uuid        NOT NULL,
    number          integer     NOT NULL CHECK (number > 0),  -- 1, 2, ...: how often it was sent
    begun_at        timestamptz NOT NULL DEFAULT now(),
    sent_offset     bigint,     -- where it is now, in the topic and partition that it came from
    PRIMARY KEY (dead_letter_id, number)
);
