-- One statement at a time and no transaction around them: only so an index is built while others
-- write. Source: PostgreSQL manual, CREATE INDEX, "Building Indexes Concurrently".

-- What an attempt that was given up has left: such an index is never used, and is in the way.
DROP INDEX CONCURRENTLY IF EXISTS admissions_by_age;

-- Serves: the oldest admissions, a step at a time. Each new one goes to its right end.
CREATE INDEX CONCURRENTLY admissions_by_age
    ON admissions (admitted_at, organization_id, admission_id);
