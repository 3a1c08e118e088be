//! Migrations are embedded: a new file in `migrations/` makes a new binary.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
