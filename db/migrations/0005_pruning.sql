-- What pruning leaves behind, so that nothing which is gone is missed, or applied a second time.
-- Workers of before go on beside it; prune nothing until all of them are of this version.

-- Every lane refuses what happened before this and names no admission that is known: it may have
-- been applied and forgotten. Only what is over before it in all lanes is pruned.
ALTER TABLE lanes ADD COLUMN pruned_before timestamptz NOT NULL DEFAULT 'epoch'; -- nothing was

-- The last sequence that was pruned from the front of the journal. Not in lane_outputs, which every
-- batch writes: a batch would wait for the end of a step.
CREATE TABLE pruned_journal (
    lane      integer NOT NULL,
    stream    text    NOT NULL,
    sequence  bigint  NOT NULL,
    PRIMARY KEY (lane, stream)
) WITH (fillfactor = 50);

-- Units that pruned reservations had sold: stock lines and pools go on counting them.
CREATE TABLE pruned_sales (
    organization_id  text COLLATE "C" NOT NULL,
    product_id       text COLLATE "C" NOT NULL,
    variant_id       text COLLATE "C" NOT NULL,
    experience_id    text COLLATE "C" NOT NULL,
    strategy         text   NOT NULL,
    quantity         bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (organization_id, product_id, variant_id, experience_id, strategy)
) WITH (fillfactor = 50);

-- What the counters of stock lines and pools are made of.
CREATE VIEW counted_reservations AS
SELECT organization_id, product_id, variant_id, experience_id, strategy, quantity, status, restocked
  FROM reservations
 UNION ALL
SELECT organization_id, product_id, variant_id, experience_id, strategy, quantity, 'converted', false
  FROM pruned_sales;
