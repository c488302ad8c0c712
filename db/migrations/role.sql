-- What the role of workers and of commands may do, and no more: it makes, changes, empties and drops
-- no table, and what is in the journal stays as it is. The tables belong to the role that migrates.
--
--     CREATE ROLE reservations LOGIN PASSWORD '...';
--     psql -v role=reservations -f role.sql     (or: reservations migrate --role reservations)
--
-- Everybody may connect to a database and make temporary tables in it, which imports do, unless that
-- was revoked: then GRANT CONNECT, TEMPORARY ON DATABASE too. Before Postgres 15 everybody may also
-- make tables: REVOKE CREATE ON SCHEMA public FROM PUBLIC.
-- To be run after every migration; a second time changes nothing.

GRANT USAGE ON SCHEMA public TO :"role";
GRANT SELECT ON alembic_version, dead_letters TO :"role";
GRANT SELECT, INSERT ON journal TO :"role";
GRANT SELECT, INSERT, UPDATE ON
    lanes, lane_inputs, lane_outputs, policies, stock_lines, pools, admissions, reservations
    TO :"role";
GRANT SELECT ON pruned_journal, pruned_sales, counted_reservations TO :"role";
-- A fact goes when its admission comes, the note of a replay when the replay has failed, and who
-- published for a lane before when that one is fenced.
GRANT SELECT, INSERT, UPDATE, DELETE ON early_facts, dead_letter_replays, lane_publishers TO :"role";
GRANT SELECT, INSERT, UPDATE ON adjustments TO :"role";
