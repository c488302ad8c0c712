-- An admission keeps its facts as they came; what they amount to is told anew from all of them.
-- A worker of the version before cannot write here: stop them all before this.

-- JSON writes an instant in the zone of the session.
SET LOCAL timezone = 'UTC';

-- received = on_hand + allocated + sold + (available + allocated) of its pools - short.
-- short: units that are held or sold and are not there. Those that come back make it smaller first.
ALTER TABLE stock_lines
    ADD COLUMN short bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT short_is_not_negative CHECK (short >= 0);

-- Serves: tell whether an organization has any limit, which counts what a consumer has elsewhere.
CREATE INDEX policies_with_limits ON policies (organization_id, experience_id)
    WHERE coalesce(document ->> 'units_per_sku_max', document ->> 'units_per_experience_max',
                   document ->> 'open_holds_max') IS NOT NULL;

ALTER TABLE reservations
    ADD COLUMN missing   bigint  NOT NULL DEFAULT 0, -- paid for, and not there
    ADD COLUMN oversold  bigint  NOT NULL DEFAULT 0, -- of the sold units: by the oversell budget
    ADD COLUMN restocked boolean NOT NULL DEFAULT false, -- returned: the units are in stock again
    ADD COLUMN at_risk   bigint  NOT NULL DEFAULT 0, -- of an active hold: taken away by an operator
    ADD COLUMN warned    boolean NOT NULL DEFAULT false, -- that they are at risk was said
    ADD COLUMN outcomes  integer NOT NULL DEFAULT 0, -- said of it: they number the outcomes' ids
    ADD CONSTRAINT missing_is_not_negative CHECK (missing >= 0),
    ADD CONSTRAINT oversold_is_not_negative CHECK (oversold >= 0),
    ADD CONSTRAINT at_risk_is_not_negative CHECK (at_risk >= 0),
    DROP CONSTRAINT reservations_status_check,
    -- active -> converted | released | expired | unfulfilled; converted -> returned; and whatever a
    -- fact that comes late corrects. Only an active one holds units.
    ADD CONSTRAINT reservations_status_check CHECK (status IN
        ('active', 'rejected', 'converted', 'released', 'expired', 'unfulfilled', 'returned'));

-- Serves: the holds of a lane of which a tick has to say that units are at risk.
CREATE INDEX reservations_to_warn ON reservations (lane, expires_at)
    WHERE status = 'active' AND at_risk > 0 AND NOT warned;

ALTER TABLE admissions
    ADD COLUMN window_ends_at  timestamptz, -- null: no event said so, the policy's window counts
    ADD COLUMN also_id         text COLLATE "C", -- an id that came after the one of the key was made
    ADD COLUMN guest_id        text COLLATE "C", -- whose it was before it was transferred
    ADD COLUMN policy          text NOT NULL DEFAULT '{}', -- JSON: by which it was admitted
    ADD COLUMN facts           text NOT NULL DEFAULT '[]', -- JSON: schemas/facts.py
    ADD COLUMN cart_mark       text NOT NULL DEFAULT '', -- the cart that the holds follow
    ADD COLUMN sale_mark       text NOT NULL DEFAULT '', -- the payment that the sales follow
    ADD COLUMN outcomes        integer NOT NULL DEFAULT 0; -- of it as a whole, as above

-- A row grows with its facts, and an update stays HOT only where the page has room for all of it.
ALTER TABLE admissions SET (fillfactor = 50);

-- Admissions that are there wanted what their reservations say, paid for what was converted, and end
-- when they would have ended: 60 is the buffer of a policy that names none. The marks say that all
-- of it was acted upon.
WITH lines AS (
    SELECT organization_id, admission_id,
           jsonb_agg(jsonb_build_array(product_id, variant_id, quantity) ORDER BY id)
               FILTER (WHERE reason IS DISTINCT FROM 'not_in_cart'
                         AND NOT (late AND created_at = ended_at)) AS wanted,
           jsonb_agg(jsonb_build_array(product_id, variant_id, quantity) ORDER BY id)
               FILTER (WHERE status = 'converted') AS sold
      FROM reservations
     GROUP BY organization_id, admission_id
), told AS (
    SELECT organization_id, admission_id, wanted IS NOT NULL AS has_cart,
           jsonb_agg(
               jsonb_build_object(
                   'kind', kind,
                   'fact', jsonb_strip_nulls(more) || jsonb_build_object(
                       'event_id', 'migrated', 'organization_id', organization_id,
                       'consumer_id', consumer_id, 'admission_id', admission_id),
                   'cause', jsonb_build_array('migrated', lane, NULL, 0))
               ORDER BY place) FILTER (WHERE more IS NOT NULL) AS facts
      FROM admissions
      LEFT JOIN lines USING (organization_id, admission_id)
     CROSS JOIN LATERAL (VALUES
           (1, 'cart', CASE WHEN wanted IS NOT NULL THEN jsonb_build_object(
                'updated_at', admitted_at, 'items', wanted) END),
           (2, 'paid', CASE WHEN completed_at IS NOT NULL THEN jsonb_build_object(
                'completed_at', completed_at, 'order_id', order_id,
                'items', sold) END),
           (3, 'ended', CASE WHEN ended_at IS NOT NULL THEN jsonb_build_object(
                'ended_at', ended_at, 'end', end_kind) END)
           ) AS fact (place, kind, more)
     GROUP BY organization_id, admission_id, wanted
)
UPDATE admissions AS admission
   SET facts = coalesce(told.facts::text, '[]'),
       cart_mark = CASE WHEN has_cart THEN 'migrated' ELSE 'offer' END,
       sale_mark = CASE WHEN completed_at IS NULL THEN '' ELSE 'migrated' END,
       window_ends_at = expires_at - make_interval(secs => coalesce(
           (SELECT (document ->> 'buffer_seconds')::int FROM policies AS policy
             WHERE policy.organization_id = admission.organization_id
               AND policy.experience_id = admission.experience_id), 60)),
       policy = coalesce(
           (SELECT document::text FROM policies AS policy
             WHERE policy.organization_id = admission.organization_id
               AND policy.experience_id = admission.experience_id), '{}')
  FROM told
 WHERE admission.organization_id = told.organization_id
   AND admission.admission_id = told.admission_id;

ALTER TABLE admissions
    DROP COLUMN completed_at,
    DROP COLUMN order_id,
    DROP COLUMN ended_at,
    DROP COLUMN end_kind;

-- Serves: match an event that names an id which was learnt late.
CREATE INDEX admissions_by_also_id ON admissions (also_id, organization_id)
    WHERE also_id IS NOT NULL;
-- Serves: match an event of whom an admission was transferred from.
CREATE INDEX admissions_by_guest ON admissions (guest_id, organization_id)
    WHERE guest_id IS NOT NULL;

-- A fact that waits for its admission, in the form that admissions keep theirs in: schemas/facts.py.
ALTER TABLE early_facts
    ALTER COLUMN document TYPE text USING jsonb_build_array(
        jsonb_strip_nulls(jsonb_build_object('traceparent', traceparent)) || jsonb_build_object(
            'kind', CASE WHEN document ? 'ended_at' THEN 'ended' ELSE 'paid' END,
            'fact', document,
            'cause', jsonb_build_array(topic, partition, "offset", line)))::text;
ALTER TABLE early_facts
    DROP COLUMN topic,
    DROP COLUMN partition,
    DROP COLUMN "offset",
    DROP COLUMN line,
    DROP COLUMN traceparent;

-- What was paid for and not there was told in the journal only.
WITH owed AS (
    SELECT (told ->> 'reservationId')::uuid AS id, (told ->> 'quantity')::bigint AS units,
           told ->> 'reason' AS why, told ->> 'orderId' AS paid_by, occurred_at
      FROM journal
     CROSS JOIN LATERAL (SELECT convert_from(value, 'UTF8')::json) AS body (told)
     WHERE stream = 'outcomes' AND type = 'fanfare.reservation.unfulfilled'
)
UPDATE reservations AS reservation
   SET missing = units,
       status = CASE WHEN status = 'converted' THEN status ELSE 'unfulfilled' END,
       quantity = CASE WHEN status = 'converted' THEN quantity ELSE units END,
       reason = CASE WHEN status = 'converted' THEN reason ELSE why END,
       order_id = paid_by,
       ended_at = CASE WHEN status = 'converted' THEN ended_at ELSE occurred_at END
  FROM owed
 WHERE reservation.id = owed.id;
