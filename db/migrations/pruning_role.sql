-- What a role that prunes may do beside role.sql: forget what is over. Workers prune where
-- RESERVATIONS_RETENTION_DAYS is set; else only `reservations prune` needs it.
--
--     psql -v role=janitor -f pruning_role.sql     (or: reservations migrate --role janitor --prunes)

GRANT DELETE ON journal, admissions, reservations TO :"role";
GRANT SELECT, INSERT, UPDATE ON pruned_journal, pruned_sales TO :"role";
