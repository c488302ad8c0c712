"""The statements of a peer, on the worker's own schema."""

ADMIT = """
    INSERT INTO admissions (organization_id, admission_id, lane, consumer_id, experience_id,
                            distribution_id, distribution_type, admitted_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, 'queue', $7, $8)
        ON CONFLICT DO NOTHING
    RETURNING true
"""
TAKE = """
    UPDATE stock_lines SET reserved = reserved + $3
     WHERE organization_id = $1 AND product_id = $2 AND variant_id = ''
       AND (NOT tracked OR on_hand - reserved >= $3)
    RETURNING true
"""
HOLD = """
    INSERT INTO reservations (id, lane, organization_id, admission_id, experience_id, product_id,
                              variant_id, quantity, strategy, status, expires_at, created_at,
                              ended_at, reason)
    VALUES ($1, $2, $3, $4, $5, $6, '', $7, 'soft', $8, $9, $10, $11, $12)
"""
NUMBER = """
    UPDATE lane_outputs SET sequence = sequence + 1
     WHERE lane = $1 AND stream = 'outcomes'
    RETURNING sequence
"""
JOURNAL = """
    INSERT INTO journal (lane, stream, sequence, id, type, occurred_at, key, value)
    VALUES ($1, 'outcomes', $2, $3, $4, $5, $6, $7)
"""

# All of it in one round trip, as somebody would write who looks for speed.
ADMIT_AT_ONCE = """
    WITH admitted AS (
        INSERT INTO admissions (organization_id, admission_id, lane, consumer_id, experience_id,
                                distribution_id, distribution_type, admitted_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'queue', $7, $8)
            ON CONFLICT DO NOTHING
        RETURNING true
    ), taken AS (
        UPDATE stock_lines SET reserved = reserved + $10
         WHERE organization_id = $1 AND product_id = $9 AND variant_id = ''
           AND (NOT tracked OR on_hand - reserved >= $10) AND EXISTS (SELECT FROM admitted)
        RETURNING true
    ), decided AS (
        SELECT EXISTS (SELECT FROM taken) AS is_held FROM admitted
    ), held AS (
        INSERT INTO reservations (id, lane, organization_id, admission_id, experience_id,
                                  product_id, variant_id, quantity, strategy, status, expires_at,
                                  created_at, ended_at, reason)
        SELECT $11, $3, $1, $2, $5, $9, '', $10, 'soft',
               CASE WHEN is_held THEN 'active' ELSE 'rejected' END, $8, $7,
               CASE WHEN NOT is_held THEN $7 END,
               CASE WHEN NOT is_held THEN 'insufficient_stock' END
          FROM decided
    ), numbered AS (
        UPDATE lane_outputs SET sequence = sequence + 1
          FROM decided
         WHERE lane = $3 AND stream = 'outcomes'
        RETURNING sequence, is_held
    )
    INSERT INTO journal (lane, stream, sequence, id, type, occurred_at, key, value)
    SELECT $3, 'outcomes', sequence, $12, CASE WHEN is_held THEN $13 ELSE $14 END, $7, $15,
           CASE WHEN is_held THEN $16::bytea ELSE $17::bytea END
      FROM numbered
    RETURNING type, value
"""
