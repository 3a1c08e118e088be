use super::*;

fn files(up: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("20260101000000_case.up.sql".to_owned(), up.to_owned()),
        ("20260101000000_case.down.sql".to_owned(), "DROP TABLE notes;".to_owned()),
    ])
}

fn lines_of(up: &str) -> Vec<usize> {
    check(&files(up)).into_iter().map(|finding| finding.line).collect()
}

#[test]
fn an_expand_that_drops_renames_or_narrows_is_refused_at_its_line() {
    let refused = [
        "DROP TABLE users;",
        "drop table if exists users;",
        "DROP VIEW active_users;",
        "DROP TYPE mood;",
        "DROP SCHEMA old CASCADE;",
        "DROP SEQUENCE numbers;",
        "DROP FUNCTION f();",
        "TRUNCATE users;",
        "DELETE FROM users WHERE name = 'x';",
        "ALTER TABLE users DROP COLUMN name;",
        "ALTER TABLE users DROP name;",
        "ALTER TABLE users RENAME COLUMN name TO title;",
        "ALTER TABLE users RENAME TO people;",
        "ALTER INDEX a RENAME TO b;",
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(10);",
        "ALTER TABLE users ALTER name SET DATA TYPE varchar(10);",
        "ALTER TABLE users ALTER COLUMN name SET NOT NULL;",
        "ALTER TABLE users ALTER COLUMN name DROP DEFAULT;",
        "ALTER TABLE users ADD COLUMN age integer NOT NULL;",
        "ALTER TABLE users ADD CONSTRAINT c CHECK (true);",
        "ALTER TABLE users ADD CHECK (age > 0);",
        "ALTER TABLE users ADD UNIQUE (name);",
        "ALTER TABLE users ADD FOREIGN KEY (id) REFERENCES x (id);",
        "ALTER TABLE users ADD PRIMARY KEY (id);",
        "CREATE UNIQUE INDEX users_name ON users (name);",
        "ALTER TABLE users DROP IF EXISTS name;",
        "ALTER TABLE users ADD COLUMN price numeric(10, 2) NOT NULL;",
        "ALTER TABLE users OWNER TO other;",
        "ALTER TABLE users SET SCHEMA other;",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;",
        "ALTER TYPE mood DROP ATTRIBUTE a;",
        "ALTER DOMAIN d ADD CHECK (value > 0);",
        "WITH gone AS (DELETE FROM users RETURNING id) SELECT count(*) FROM gone;",
        "UPDATE users SET name = '';",
        "INSERT INTO users (name) VALUES ('x') ON CONFLICT (name) DO UPDATE SET name = 'y';",
        "MERGE INTO users USING x ON true WHEN MATCHED THEN DELETE;",
        "DO $$ BEGIN DELETE FROM users; END $$;",
        "CALL forget();",
        "LOCK TABLE users;",
        "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT 1';",
        "CREATE OR REPLACE VIEW v AS SELECT 1;",
        "CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING;",
        "DROP INDEX users_name;",
        "DROP TRIGGER t ON users;",
        "DROP MATERIALIZED VIEW v;",
        "REVOKE ALL ON users FROM app;",
        "CREATE INDEX users_name ON users (name);",
        "BEGIN;",
        "COMMIT;",
        "ALTER TABLE straße ADD COLUMN a integer;",
    ];
    for sql in refused {
        assert_eq!(lines_of(&format!("-- expand\n\n{sql}\n")), [3], "{sql}");
    }
}

#[test]
fn what_keeps_the_old_release_working_is_allowed() {
    let allowed = [
        "CREATE TABLE notes (id uuid PRIMARY KEY, body text NOT NULL);",
        "CREATE TABLE notes (id uuid);\nALTER TABLE notes ADD CONSTRAINT c CHECK (true);\nCREATE UNIQUE INDEX i ON notes (id);",
        "ALTER TABLE users ADD COLUMN age integer;",
        "ALTER TABLE users ADD COLUMN age integer NOT NULL DEFAULT 0;",
        "ALTER TABLE users ALTER COLUMN name DROP NOT NULL;",
        "ALTER TABLE users DROP CONSTRAINT users_name_length;",
        "-- allow: there are at most a hundred users\nCREATE INDEX users_name ON users (name);",
        "CREATE TABLE notes (id uuid);\nCREATE INDEX i ON notes (id);\nUPDATE notes SET id = NULL;\nDELETE FROM notes;",
        "ALTER TABLE users ADD COLUMN price numeric(10, 2) NOT NULL DEFAULT 0;",
        "ALTER TABLE users ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();",
        "ALTER TABLE users ADD COLUMN price numeric(10, 2) DEFAULT (0)::numeric(10, 2), ADD tags jsonb NOT NULL DEFAULT '[]'::jsonb;",
        "ALTER TABLE users ADD COLUMN team_id uuid REFERENCES teams (id);",
        "ALTER TABLE users ADD COLUMN type text, ADD COLUMN serial text, ADD COLUMN generated boolean, ADD COLUMN force boolean;",
        "ALTER TABLE users VALIDATE CONSTRAINT users_age;",
        "ALTER TYPE mood ADD VALUE 'calm';",
        "-- DROP TABLE users;",
        "/* DROP TABLE\nusers; */ SELECT 1;",
        "INSERT INTO users (name) VALUES ('DROP TABLE users; it''s a string');",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$ BEGIN DELETE FROM users; END $body$;",
    ];
    for sql in allowed {
        assert_eq!(lines_of(&format!("-- expand\n{sql}\n")), [0; 0], "{sql}");
    }
}

#[test]
fn an_expand_that_rewrites_or_locks_a_table_that_is_there_is_refused_at_its_line() {
    let refused = [
        "ALTER TABLE users ADD COLUMN key uuid DEFAULT gen_random_uuid();",
        "ALTER TABLE users ADD COLUMN key text NOT NULL DEFAULT md5(random()::text);",
        "ALTER TABLE users ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp();",
        "ALTER TABLE users ADD COLUMN number bigserial;",
        "ALTER TABLE users ADD IF NOT EXISTS number serial NOT NULL;",
        "ALTER TABLE users ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;",
        "ALTER TABLE users ADD COLUMN number bigint GENERATED BY DEFAULT AS IDENTITY;",
        "ALTER TABLE users ADD COLUMN lower_name text GENERATED ALWAYS AS (lower(name)) STORED;",
        "ALTER TABLE users ADD COLUMN age integer CHECK (age > 0);",
        "ALTER TABLE users ADD COLUMN mail text UNIQUE;",
        "ALTER TABLE users ADD COLUMN number bigint PRIMARY KEY;",
        "ALTER TABLE users ADD COLUMN team_id integer DEFAULT 1 REFERENCES teams (id);",
        "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID;",
        "ALTER TABLE users ADD CONSTRAINT c FOREIGN KEY (team_id) REFERENCES teams (id);",
        "ALTER TABLE users SET UNLOGGED;",
        "ALTER TABLE users SET LOGGED;",
        "ALTER TABLE users SET TABLESPACE slow;",
        "ALTER TABLE users SET ACCESS METHOD other;",
        "ALTER TABLE users ATTACH PARTITION users_2026 FOR VALUES IN (2026);",
        "ALTER TABLE users DISABLE TRIGGER ALL;",
        "ALTER TABLE users NO INHERIT people;",
        "CREATE INDEX CONCURRENTLY users_name ON users (name);",
        "LOCK TABLE users IN SHARE MODE;",
        "VACUUM FULL users;",
        "CLUSTER users USING users_name;",
        "REINDEX TABLE users;",
        "REFRESH MATERIALIZED VIEW totals;",
    ];
    for sql in refused {
        assert_eq!(lines_of(&format!("-- expand\n\n{sql}\n")), [3], "{sql}");
    }
}

/// What the function does stands in a body that is not read: one that raises is a constraint for the old release.
#[test]
fn a_trigger_on_a_table_that_is_there_is_refused_unless_a_reason_is_given() {
    let refused = [
        "CREATE TRIGGER check_name BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION check_name();",
        "CREATE TRIGGER check_name BEFORE UPDATE OF name ON users FOR EACH ROW EXECUTE FUNCTION check_name();",
        "CREATE CONSTRAINT TRIGGER c AFTER INSERT ON users DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f();",
        "CREATE OR REPLACE TRIGGER check_name BEFORE INSERT ON users EXECUTE FUNCTION check_name();",
        // The name of a migration that may have one does not help another statement of the same file.
        "CREATE TRIGGER job_workers_fence BEFORE UPDATE ON river_job EXECUTE FUNCTION job_workers_fence();",
    ];
    for sql in refused {
        assert_eq!(lines_of(&format!("-- expand\n\n{sql}\n")), [3], "{sql}");
    }
    let allowed = [
        "CREATE TABLE notes (id uuid);\nCREATE TRIGGER t BEFORE INSERT ON notes EXECUTE FUNCTION f();",
        "CREATE TABLE notes (id uuid);\nCREATE CONSTRAINT TRIGGER t AFTER INSERT ON notes EXECUTE FUNCTION f();",
        "-- allow: it only notifies\nCREATE TRIGGER told AFTER INSERT ON users EXECUTE FUNCTION tell();",
        "GRANT TRIGGER ON users TO app;",
    ];
    for sql in allowed {
        assert_eq!(lines_of(&format!("-- expand\n{sql}\n")), [0; 0], "{sql}");
    }
}

#[test]
fn only_what_was_published_before_the_rule_is_excused_from_it_and_nothing_else_of_its_file() {
    let judged = |text: &str| judged("20260101000300_job_workers.up.sql", text).len();
    assert_eq!(judged("CREATE TRIGGER job_workers_fence BEFORE UPDATE ON river_job EXECUTE FUNCTION f();"), 0);
    assert_eq!(judged("CREATE TRIGGER another BEFORE UPDATE ON river_job EXECUTE FUNCTION f();"), 1);
    assert_eq!(judged("DROP TRIGGER job_workers_fence ON river_job;"), 1);
}

#[test]
fn a_column_is_changed_only_in_ways_that_neither_rows_nor_the_old_release_notice() {
    let refused = [
        "name SET EXPRESSION AS (lower(title))",
        "name DROP EXPRESSION",
        "name DROP IDENTITY IF EXISTS",
        "name ADD GENERATED ALWAYS AS IDENTITY",
        "name SET GENERATED ALWAYS",
        "name RESTART WITH 7",
        "name DROP DEFAULT",
        "name SET NOT NULL",
        "name TYPE text COLLATE \"C\"",
        "type SET DATA TYPE text",
        "name SET SOMETHING NEW",
        "größe SET DEFAULT 1",
        "CONSTRAINT users_team DEFERRABLE",
    ];
    for change in refused {
        for column in ["", "COLUMN "] {
            let sql = format!("-- expand\nALTER TABLE users\n  ALTER {column}{change};\n");
            assert_eq!(lines_of(&sql), [3], "{sql}");
        }
    }
    let allowed = [
        "name SET DEFAULT ''",
        "type SET DEFAULT 'plain'",
        "\"größe\" SET DEFAULT 1",
        "name DROP NOT NULL",
        "name SET STATISTICS 500",
        "name SET STORAGE EXTERNAL",
        "name SET COMPRESSION lz4",
        "name SET (n_distinct = 5)",
        "name RESET (n_distinct)",
    ];
    for change in allowed {
        let sql = format!("-- expand\nALTER TABLE users ALTER COLUMN {change}, ALTER {change};\n");
        assert_eq!(lines_of(&sql), [0; 0], "{sql}");
    }
}

#[test]
fn a_table_is_altered_only_in_ways_that_are_known_to_be_harmless() {
    for action in ["REPLICA IDENTITY NOTHING", "OF a_type", "NOT OF", "MERGE PARTITIONS (a, b) INTO c"] {
        assert_eq!(lines_of(&format!("-- expand\nALTER TABLE users {action};\n")), [2], "{action}");
    }
    for action in ["SET (fillfactor = 70)", "RESET (fillfactor)", "CLUSTER ON users_name", "SET WITHOUT CLUSTER"] {
        assert_eq!(lines_of(&format!("-- expand\nALTER TABLE users {action};\n")), [0; 0], "{action}");
    }
}

/// The lock of an ALTER TABLE lasts until the transaction ends: behind it even a query that locks nothing keeps everybody waiting.
#[test]
fn no_query_runs_while_a_table_that_is_in_use_is_locked() {
    let locks = [
        "ALTER TABLE users ADD COLUMN age integer;",
        "-- allow: a hundred users\nCREATE INDEX users_age ON users (age);",
        "-- allow: it only notifies\nCREATE TRIGGER told AFTER INSERT ON users EXECUTE FUNCTION tell();",
        "-- allow: unused\nDROP INDEX users_name;",
        "CREATE TABLE cards (id uuid, user_id uuid REFERENCES users (id));",
    ];
    let queries = [
        "INSERT INTO totals SELECT team_id, count(*) FROM users GROUP BY team_id;",
        "INSERT INTO copies TABLE users;",
        "CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM users;",
        "CREATE TABLE totals AS SELECT count(*) FROM users;",
        "CREATE TABLE copies AS TABLE users;",
        "SELECT count(*) FROM users;",
        "CREATE TABLE copies (id uuid); UPDATE copies SET id = users.id FROM users;",
        "CREATE TABLE copies (id uuid); DELETE FROM copies USING users WHERE users.id = copies.id;",
    ];
    for query in queries {
        for lock in locks {
            let behind = format!("-- expand\n{lock}\n{query}\n");
            assert_eq!(lines_of(&behind), [behind.lines().count()], "{behind}");
            let before = format!("-- expand\n{query}\n{lock}\n");
            assert_eq!(lines_of(&before), [0; 0], "{before}");
        }
    }
}

#[test]
fn what_is_short_or_excused_or_locks_only_what_is_new_may_stand_together() {
    let allowed = [
        "ALTER TABLE users ADD COLUMN age integer;\nINSERT INTO teams (name) VALUES ('a'), ('b') ON CONFLICT DO NOTHING;",
        "ALTER TABLE users ADD COLUMN age integer;\nSELECT setval('numbers', 7);",
        "ALTER TABLE users ADD COLUMN age integer;\nCREATE VIEW ages AS SELECT age FROM users;",
        "ALTER TABLE users ADD COLUMN age integer;\nCREATE MATERIALIZED VIEW ages AS SELECT age FROM users WITH NO DATA;",
        "ALTER TABLE users ADD COLUMN age integer;\n-- allow: a hundred teams\nINSERT INTO names SELECT name FROM teams;",
        "CREATE TABLE notes (id uuid);\nALTER TABLE notes ADD COLUMN age integer;\nINSERT INTO notes (id) SELECT id FROM users;",
        "CREATE TABLE a (id uuid PRIMARY KEY);\nCREATE TABLE b (id uuid REFERENCES a (id));\nINSERT INTO a SELECT id FROM users;",
    ];
    for sql in allowed {
        assert_eq!(lines_of(&format!("-- expand\n{sql}\n")), [0; 0], "{sql}");
    }
    let said = check(&files("-- expand\n\nALTER TABLE users ADD COLUMN a int;\nSELECT 1 FROM users;\n"));
    let start =
        "20260101000000_case.up.sql:4: an expand must not run a query while it holds the lock that line 3 takes";
    assert!(said.len() == 1 && said[0].to_string().starts_with(start), "{said:?}");
}

/// A contract may add a constraint, but the table is read from end to end only when nothing else holds a lock.
#[test]
fn a_constraint_is_validated_in_a_migration_of_its_own() {
    let both =
        "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID;\nALTER TABLE users VALIDATE CONSTRAINT c;\n";
    assert_eq!(lines_of(&format!("-- contract\n{both}")), [3]);
    assert_eq!(lines_of("-- contract\nALTER TABLE users VALIDATE CONSTRAINT c;\n"), [0; 0]);
}

#[test]
fn what_an_expand_s_way_back_takes_away_must_be_countable() {
    let check = |kind: &str, down: &str| {
        let mut files = files(&format!("-- {kind}\nCREATE TABLE notes (id uuid);\n"));
        files.insert("20260101000000_case.down.sql".to_owned(), down.to_owned());
        check(&files)
    };
    let findings = check("expand", "DROP TABLE notes;\nDELETE FROM users;\n");
    assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    assert!(findings[0].file.ends_with(".down.sql") && findings[0].message.contains("DELETE FROM"), "{findings:?}");
    assert!(findings[0].message.contains("write DROP TABLE"), "{findings:?}");
    assert_eq!(check("expand", "DROP TABLE notes;\n-- allow: they are made anew\nDELETE FROM users;\n"), []);
    assert_eq!(check("contract", "INSERT INTO users SELECT FROM people;\n"), []);
}

#[test]
fn an_exception_needs_a_reason_and_holds_for_one_statement() {
    assert_eq!(lines_of("-- expand\n-- allow:\nDROP INDEX a;\n"), [3]);
    assert_eq!(lines_of("-- expand\n-- allow: unused\nDROP INDEX a;\nDROP INDEX b;\n"), [4]);
}

#[test]
fn a_contract_may_drop() {
    assert_eq!(lines_of("-- contract\nDROP TABLE users;\n"), [0; 0]);
}

#[test]
fn every_finding_names_file_line_and_what_to_write_instead() {
    let mut files = files("ALTER TABLE users\n  ADD COLUMN a int,\n  DROP COLUMN b;\n");
    files.insert("20260101000000_other.up.sql".to_owned(), "-- expand\n".to_owned());
    files.insert(
        "20269901000000_date.up.sql".to_owned(),
        "-- expand\nALTER TABLE users\n  ADD COLUMN a int,\n  DROP COLUMN b;\n".to_owned(),
    );
    files.insert("20269901000000_date.down.sql".to_owned(), "COMMIT;".to_owned());
    files.insert("notes.sql".to_owned(), "-- expand\n".to_owned());
    let findings: Vec<String> = check(&files).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(findings.join("\n"));
}

#[test]
fn our_own_migrations_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = read(&folder).unwrap();
    assert!(!files.is_empty());
    assert_eq!(check(&files), []);
}

#[test]
fn a_program_refuses_to_apply_an_expand_that_breaks_the_release_before_and_names_its_line() {
    let mut expands = files("-- expand\nCREATE TABLE notes (id int);\nALTER TABLE users DROP COLUMN name;");
    expands.retain(|name, _| name.ends_with(".up.sql"));
    let said = refuse(&expands).unwrap_err().to_string();
    let start = "nothing was applied, for the sake of the release that serves: 20260101000000_case.up.sql:3: an expand must not drop";
    assert!(said.starts_with(start), "{said}");
    let own = crate::migrate::source::pending_expands(|version| version == 20_260_101_000_100);
    assert!(own.len() > 3 && !own.contains_key("20260101000100_river_queue.up.sql"), "{:?}", own.keys());
    refuse(&own).expect("this release may be applied");
}
