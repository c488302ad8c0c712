"""Reservations against what the journal says of them: a statement as in `db.verify_counters`."""

from typing import Final

# The outcomes that tell what a row is. Others tell of an admission, or warn.
_TELLING: Final = "reserved rejected released expired converted unfulfilled returned"

# What a lane says of a reservation, in the order in which it said it. Only where a reservation has
# outcomes in one lane is the order of all of them known; where in more, one lane has the last word.
_TOLD: Final = f"""
    SELECT body."reservationId" AS id, count(*) OVER (PARTITION BY body."reservationId") AS lanes,
           array_agg(kind ORDER BY sequence) AS kinds,
           array_agg(body.quantity ORDER BY sequence) AS quantities,
           array_agg(coalesce(body.late, false) ORDER BY sequence) AS lates,
           sum(body.quantity * way) AS units,
           bool_or(bool_or(kind IN ('converted', 'unfulfilled', 'returned')))
               OVER (PARTITION BY body."reservationId") AS was_paid
      FROM journal
     CROSS JOIN LATERAL json_to_record(convert_from(value, 'UTF8')::json)
        AS body ("reservationId" uuid, quantity bigint, late boolean)
     CROSS JOIN LATERAL (SELECT substr(type, length('fanfare.reservation.') + 1)) AS t (kind)
     CROSS JOIN LATERAL (SELECT CASE WHEN kind = 'reserved' THEN 1
                                     WHEN kind IN ('released', 'expired') THEN -1
                                     ELSE 0 END) AS w (way)
     WHERE stream = 'outcomes' AND body."reservationId" IS NOT NULL
       AND kind = ANY (string_to_array('{_TELLING}', ' '))
     GROUP BY body."reservationId", lane
"""

# An end that was corrected is told twice, and gives back nothing the second time: units that an
# end gives back beyond those that are held are left out. That is the sum less its lowest point.
_UNITS_TOLD: Final = """
    SELECT max(total) - least(0, min(running))
      FROM (SELECT sum(way * units) OVER () AS total,
                   sum(way * units) OVER (ORDER BY place) AS running
              FROM unnest(kinds, quantities) WITH ORDINALITY AS said (kind, units, place)
             CROSS JOIN LATERAL (SELECT CASE WHEN kind = 'reserved' THEN 1
                                             WHEN kind IN ('released', 'expired') THEN -1
                                             ELSE 0 END) AS w (way)) AS summed
"""

# Rows of admissions from before this may be gone, and so may what was said of them. An event may be
# an hour ahead of its record, so outcomes of a later row may have been written as early as this.
_PRUNED: Final = """
    SELECT min_id, may_lack_outcomes_before, pruned_before
      FROM (SELECT coalesce(max(pruned_before), 'epoch') AS pruned_before FROM lanes) AS noted
     CROSS JOIN LATERAL (
           SELECT lpad(to_hex((extract(epoch FROM pruned_before) * 1000)::bigint), 12, '0')
                  || repeat('0', 20)) AS digits (hex)
     CROSS JOIN LATERAL (
           SELECT hex::uuid, pruned_before + interval '1 hour'
           ) AS told (min_id, may_lack_outcomes_before)
"""

# A row is what the last outcome says. A part may have been refused or given back of what stays
# held. A sale that a later fact undid is told by what came of it, and only as far as that differs:
# where there was one, the units cannot be summed up. The quantity of a row that holds nothing and
# whose time is over follows the cart in silence: it is what a late payment would buy.
_JUDGED: Final = f"""
    WITH pruned AS ({_PRUNED}), judged AS (
        SELECT held.id AS held_id, held.status, held.quantity, held.missing, held.late, held.reason,
               told.*, kinds[cardinality(kinds)] AS last,
               quantities[cardinality(kinds)] AS last_quantity,
               CASE WHEN kinds[cardinality(kinds)] = 'unfulfilled'
                    THEN quantities[cardinality(kinds)] ELSE 0 END AS last_missing,
               array_position(kinds, 'converted') IS NOT NULL AS was_sold,
               CASE WHEN held.status = 'active' THEN held.quantity ELSE 0 END AS units_held,
               coalesce(held.id, told.id) < min_id AS may_be_gone,
               held.created_at < may_lack_outcomes_before AS is_pruned
          FROM reservations AS held
          FULL JOIN ({_TOLD}) AS told USING (id)
         CROSS JOIN pruned
    ), worded AS (
        SELECT coalesce(held_id, id) AS id, CASE
               WHEN held_id IS NULL AND may_be_gone THEN NULL
               WHEN held_id IS NULL THEN 'it is not there, but the journal has outcomes of it'
               WHEN last IS NULL AND is_pruned THEN NULL
               WHEN last IS NULL THEN format('it is %s, its outcomes say nothing', status)
               WHEN NOT CASE
                        WHEN last = 'reserved' THEN status = 'active'
                        WHEN last IN ('rejected', 'released') THEN status IN (last, 'active')
                             OR was_paid AND status IN ('rejected', 'released', 'expired')
                        WHEN last = 'unfulfilled' THEN status = last
                             OR status = 'converted' AND was_sold AND missing > 0
                        ELSE status = last END
               THEN format('it is %s, its last outcome says %s', status, last)
               WHEN last IN ('converted', 'unfulfilled') AND missing <> last_missing
               THEN format('it lacks %s units, its outcomes say %s', missing, last_missing)
               WHEN status = last AND quantity <> last_quantity
                    AND (status IN ('converted', 'returned')
                         OR status = 'rejected' AND reason <> 'window_over')
               THEN format('it has %s units, its outcomes say %s', quantity, last_quantity)
               WHEN last = 'converted' AND late <> lates[cardinality(kinds)]
               THEN format('it was sold %s, its outcomes say not so',
                           CASE WHEN late THEN 'late' ELSE 'in time' END)
               WHEN lanes > 1 OR is_pruned THEN NULL
               WHEN kinds[1] NOT IN ('reserved', 'rejected', 'unfulfilled') AND NOT lates[1]
               THEN 'it was never answered with reserved or rejected'
               WHEN NOT was_paid AND units_held <> units AND units_held <> ({_UNITS_TOLD})
               THEN format('it holds %s units, its outcomes make %s', units_held, ({_UNITS_TOLD}))
               END AS problem
          FROM judged
    ), by_reservation AS (
        SELECT id, CASE WHEN count(problem) = count(*) THEN min(problem) END AS problem
          FROM worded
         GROUP BY id
    )
"""

STATES: Final = f"""
    {_JUDGED}
    SELECT 'reservation states',
           count(*),
           count(problem),
           min(format('reservation %s: %s', id, problem)) FILTER (WHERE problem IS NOT NULL),
           (SELECT format('those of before %s may be gone: what outcomes say of them is not'
                          ' looked at', to_char(pruned_before, 'YYYY-MM-DD HH24:MI "UTC"'))
              FROM pruned WHERE pruned_before > 'epoch')
      FROM by_reservation
"""

# The same, row by row, for some stock lines. Of a row that is gone the journal knows its line.
CONTRADICTIONS: Final = f"""
    {_JUDGED}, wrong AS MATERIALIZED (
        SELECT id, problem FROM by_reservation WHERE problem IS NOT NULL
    ), placed AS (
        SELECT wrong.id, organization_id, product_id, variant_id, problem
          FROM wrong JOIN reservations ON reservations.id = wrong.id
         UNION
        SELECT wrong.id, body."organizationId", body."productId", coalesce(body."variantId", ''),
               problem
          FROM wrong, journal
         CROSS JOIN LATERAL json_to_record(convert_from(value, 'UTF8')::json)
            AS body ("reservationId" uuid, "organizationId" text, "productId" text,
                     "variantId" text)
         WHERE stream = 'outcomes' AND body."reservationId" = wrong.id
    )
    SELECT id, organization_id, product_id, variant_id, problem
      FROM placed
     WHERE (organization_id, product_id, variant_id)
           IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))
     ORDER BY id
"""
