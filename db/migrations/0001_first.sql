-- Fanfare's ids are opaque: text, never uuid, in byte order. Every instant is timestamptz.
-- Columns that change often are in no index, so that updates stay HOT (fillfactor leaves room).

-- Who owns a lane. epoch grows with each owner: a transaction under an old epoch changes nothing.
CREATE TABLE lanes (
    lane          integer     PRIMARY KEY CHECK (lane >= 0),
    epoch         bigint      NOT NULL DEFAULT 0,
    owner         text        NOT NULL DEFAULT '',
    last_tick     timestamptz NOT NULL DEFAULT 'epoch', -- epoch: no tick came yet
    holds_active  bigint      NOT NULL DEFAULT 0, -- made minus ended by this lane; only the sum means something
    taken_at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- The next offset to read of each input topic: records below it are applied.
CREATE TABLE lane_inputs (
    lane         integer NOT NULL REFERENCES lanes,
    topic        text    NOT NULL,
    next_offset  bigint  NOT NULL CHECK (next_offset >= -1), -- -1: nothing was ever read
    PRIMARY KEY (lane, topic)
) WITH (fillfactor = 50);

-- The last sequence in the journal, and where the published end of the stream was last seen.
CREATE TABLE lane_outputs (
    lane                integer NOT NULL REFERENCES lanes,
    stream              text    NOT NULL CHECK (stream IN ('outcomes', 'dead_letters')),
    sequence            bigint  NOT NULL DEFAULT 0,
    published_sequence  bigint  NOT NULL DEFAULT 0,
    published_offset    bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, stream),
    CONSTRAINT published_is_in_the_journal CHECK (published_sequence <= sequence)
) WITH (fillfactor = 50);

CREATE TABLE policies (
    organization_id  text COLLATE "C" NOT NULL,
    experience_id    text COLLATE "C" NOT NULL,
    document         jsonb NOT NULL,
    PRIMARY KEY (organization_id, experience_id)
);

-- received = on_hand + allocated + sold + (available + allocated) of its pools.
-- An untracked line never refuses; its on_hand stays 0.
CREATE TABLE stock_lines (
    organization_id  text COLLATE "C" NOT NULL,
    product_id       text COLLATE "C" NOT NULL,
    variant_id       text COLLATE "C" NOT NULL DEFAULT '',
    tracked          boolean NOT NULL DEFAULT true,
    received         bigint  NOT NULL DEFAULT 0,
    on_hand          bigint  NOT NULL DEFAULT 0,
    reserved         bigint  NOT NULL DEFAULT 0,
    allocated        bigint  NOT NULL DEFAULT 0,
    sold             bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, product_id, variant_id),
    CONSTRAINT no_counter_negative CHECK (on_hand >= 0 AND reserved >= 0 AND allocated >= 0 AND sold >= 0),
    CONSTRAINT never_oversold CHECK (NOT tracked OR reserved <= on_hand),
    CONSTRAINT untracked_has_nothing_on_hand CHECK (tracked OR on_hand = 0)
) WITH (fillfactor = 50);

-- Units of a stock line set aside for one experience. filled = available + allocated + sold from it.
CREATE TABLE pools (
    organization_id  text COLLATE "C" NOT NULL,
    experience_id    text COLLATE "C" NOT NULL,
    product_id       text COLLATE "C" NOT NULL,
    variant_id       text COLLATE "C" NOT NULL DEFAULT '',
    filled           bigint NOT NULL DEFAULT 0,
    available        bigint NOT NULL DEFAULT 0,
    allocated        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, experience_id, product_id, variant_id),
    FOREIGN KEY (organization_id, product_id, variant_id) REFERENCES stock_lines,
    CONSTRAINT pool_never_oversold CHECK (available >= 0 AND allocated >= 0)
) WITH (fillfactor = 50);

CREATE TABLE admissions (
    organization_id    text COLLATE "C" NOT NULL,
    admission_id       text COLLATE "C" NOT NULL,
    lane               integer     NOT NULL,
    consumer_id        text COLLATE "C" NOT NULL,
    experience_id      text COLLATE "C" NOT NULL,
    distribution_id    text COLLATE "C" NOT NULL,
    distribution_type  text        NOT NULL,
    token_digest       text,       -- null where the admission id is made of it
    admitted_at        timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    completed_at       timestamptz,
    order_id           text,
    ended_at           timestamptz,
    end_kind           text        CHECK (end_kind IN ('expired', 'left', 'denied')),
    PRIMARY KEY (organization_id, admission_id)
) WITH (fillfactor = 85);

-- The organization comes last in these, so that no plan takes them for the primary key: without
-- statistics, an index that begins with the organization looks as good as any.

-- Serves: match an event that carries a token, where the admission has an id of its own.
CREATE INDEX admissions_by_token ON admissions (token_digest, organization_id)
    WHERE token_digest IS NOT NULL;
-- Serves: match an event that carries neither id nor token.
CREATE INDEX admissions_by_consumer ON admissions (consumer_id, organization_id);

CREATE TABLE reservations (
    id               uuid        PRIMARY KEY,
    lane             integer     NOT NULL,
    organization_id  text COLLATE "C" NOT NULL,
    admission_id     text COLLATE "C" NOT NULL,
    experience_id    text COLLATE "C" NOT NULL,
    product_id       text COLLATE "C" NOT NULL,
    variant_id       text COLLATE "C" NOT NULL,
    quantity         bigint      NOT NULL CHECK (quantity > 0),
    strategy         text        NOT NULL CHECK (strategy IN ('soft', 'hard', 'pool')),
    -- active -> converted | released | expired; rejected | released | expired -> converted (late)
    status           text        NOT NULL
                     CHECK (status IN ('active', 'rejected', 'converted', 'released', 'expired')),
    expires_at       timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    reason           text,
    order_id         text,
    late             boolean     NOT NULL DEFAULT false,
    CONSTRAINT ended_has_its_time CHECK ((status = 'active') = (ended_at IS NULL))
) WITH (fillfactor = 85);

-- Serves: all reservations of an admission; one per stock line of it.
CREATE UNIQUE INDEX reservations_by_admission
    ON reservations (organization_id, admission_id, product_id, variant_id);
-- Serves: the holds of a lane that a tick finds due.
CREATE INDEX reservations_due ON reservations (lane, expires_at) WHERE status = 'active';

-- A completion or an end that came before its admission.
CREATE TABLE early_facts (
    id               uuid        PRIMARY KEY,
    lane             integer     NOT NULL,
    organization_id  text COLLATE "C" NOT NULL,
    consumer_id      text COLLATE "C" NOT NULL,
    document         jsonb       NOT NULL,
    topic            text        NOT NULL,
    partition        integer     NOT NULL,
    "offset"         bigint      NOT NULL,
    line             integer     NOT NULL,
    traceparent      text,
    retry_at         timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL
);

-- Serves: the facts that wait for an admission of this consumer.
CREATE INDEX early_facts_by_consumer ON early_facts (consumer_id, organization_id);
-- Serves: the facts of a lane that a tick tries again.
CREATE INDEX early_facts_due ON early_facts (lane, retry_at);

-- All that is published, in order: (lane, stream, sequence) has no gap.
CREATE TABLE journal (
    lane         integer     NOT NULL,
    stream       text        NOT NULL,
    sequence     bigint      NOT NULL,
    id           uuid        NOT NULL,
    type         text        NOT NULL,
    occurred_at  timestamptz NOT NULL,
    key          bytea,
    value        bytea,
    headers      bytea[],    -- of an unreadable record: name, value, name, value ...
    traceparent  text,
    written_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, stream, sequence)
);
