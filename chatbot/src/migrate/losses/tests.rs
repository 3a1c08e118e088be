use super::*;

fn table(name: &str) -> Loss {
    Loss::Table(name.to_owned())
}

fn column(table: &str, column: &str) -> Loss {
    Loss::Column { table: table.to_owned(), column: column.to_owned() }
}

fn unknown(statement: &str, line: usize) -> Loss {
    Loss::Unknown { statement: statement.to_owned(), line }
}

#[test]
fn what_is_dropped_is_told_by_its_name() {
    let cases = [
        ("DROP TABLE feedback;", vec![table("feedback")]),
        ("drop table if exists Feedback restrict", vec![table("feedback")]),
        ("DROP TABLE a, public.b;\nDROP TABLE \"C d\"", vec![table("a"), table("public.b"), table("\"C d\"")]),
        ("ALTER TABLE users DROP COLUMN nickname;", vec![column("users", "nickname")]),
        ("ALTER TABLE IF EXISTS ONLY users DROP IF EXISTS \"Nick\" RESTRICT", vec![column("users", "Nick")]),
        ("ALTER TABLE users DROP \"CONSTRAINT\"", vec![column("users", "CONSTRAINT")]),
        (
            "ALTER TABLE a DROP CONSTRAINT a_n_check, DROP COLUMN n, ALTER m DROP NOT NULL, DROP o",
            vec![column("a", "n"), column("a", "o")],
        ),
        ("-- river: 6-8\n", vec![Loss::River]),
    ];
    for (sql, expected) in cases {
        assert_eq!(of(sql), expected, "{sql}");
    }
}

#[test]
fn what_holds_no_data_is_no_loss() {
    let harmless = [
        "",
        "-- nothing to undo",
        "DROP INDEX a; DROP INDEX IF EXISTS b, c;",
        "DROP TRIGGER t ON users;",
        "DROP FUNCTION f(integer); DROP PROCEDURE p; DROP AGGREGATE s(integer);",
        "DROP VIEW v; DROP MATERIALIZED VIEW m;",
        "DROP TYPE mood; DROP DOMAIN d; DROP POLICY p ON users; DROP SCHEMA empty;",
        "ALTER TABLE users DROP CONSTRAINT c;",
        "ALTER TABLE users ALTER COLUMN a DROP NOT NULL, ALTER b SET NOT NULL;",
        "ALTER TABLE users ALTER a DROP DEFAULT, ALTER a SET DEFAULT 'x', ALTER b DROP IDENTITY;",
        "ALTER TABLE users ADD COLUMN b integer, ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES x ON DELETE CASCADE;",
        "CREATE INDEX i ON users (a); COMMENT ON TABLE users IS 'DELETE FROM users';",
        "GRANT SELECT ON users TO reader; REVOKE SELECT ON users FROM reader;",
    ];
    for sql in harmless {
        assert_eq!(of(sql), [], "{sql}");
    }
}

#[test]
fn what_cannot_be_told_counts_as_a_loss_with_its_line() {
    let cases = [
        ("DELETE FROM users;", unknown("DELETE FROM", 1)),
        ("\nUPDATE users SET a = b;", unknown("UPDATE USERS", 2)),
        ("TRUNCATE users;", unknown("TRUNCATE USERS", 1)),
        ("INSERT INTO users VALUES (1) ON CONFLICT DO UPDATE SET a = 1;", unknown("INSERT INTO", 1)),
        ("SELECT forget_everything();", unknown("SELECT FORGET_EVERYTHING", 1)),
        ("DO $$ BEGIN DELETE FROM users; END $$;", unknown("DO", 1)),
        ("CALL forget();", unknown("CALL FORGET", 1)),
        ("DROP SEQUENCE numbers;", unknown("DROP SEQUENCE", 1)),
        ("DROP EXTENSION vector;", unknown("DROP EXTENSION", 1)),
        ("DROP OWNED BY somebody;", unknown("DROP OWNED", 1)),
        ("DROP TABLE a CASCADE;", unknown("DROP TABLE", 1)),
        ("DROP TABLE;", unknown("DROP TABLE", 1)),
        ("DROP TABLE straße;", unknown("DROP TABLE", 1)),
        ("DROP TYPE mood CASCADE;", unknown("DROP TYPE", 1)),
        ("DROP FUNCTION f() CASCADE;", unknown("DROP FUNCTION", 1)),
        ("ALTER TABLE a DROP COLUMN b CASCADE;", unknown("ALTER TABLE", 1)),
        ("ALTER TABLE a DROP CONSTRAINT b CASCADE;", unknown("ALTER TABLE", 1)),
        ("ALTER TABLE a ALTER COLUMN b TYPE integer;", unknown("ALTER TABLE", 1)),
        ("ALTER TABLE a ALTER b SET DATA TYPE integer;", unknown("ALTER TABLE", 1)),
        ("ALTER TABLE a RENAME TO b;", unknown("ALTER TABLE", 1)),
        ("ALTER TABLE a RENAME COLUMN b TO c;", unknown("ALTER TABLE", 1)),
        ("ALTER TABLE a DETACH PARTITION b;", unknown("ALTER TABLE", 1)),
        ("ALTER TYPE mood RENAME VALUE 'a' TO 'b';", unknown("ALTER TYPE", 1)),
        ("SET search_path = other;", unknown("SET SEARCH_PATH", 1)),
    ];
    for (sql, expected) in cases {
        assert_eq!(of(sql), [expected], "{sql}");
    }
}

/// An action that cannot be told must not hide behind one that can.
#[test]
fn one_unknown_action_makes_the_whole_statement_unknown() {
    let sql = "ALTER TABLE a DROP COLUMN b, ALTER c TYPE integer;\nDROP TABLE d;";
    assert_eq!(of(sql), [unknown("ALTER TABLE", 1), table("d")]);
}

#[test]
fn our_own_migrations_can_all_be_told() {
    for migration in crate::migrate::embedded().unwrap() {
        let losses = of(migration.down.sql.as_str());
        assert!(!losses.iter().any(|loss| matches!(loss, Loss::Unknown { .. })), "{}: {losses:?}", migration.label());
    }
}
