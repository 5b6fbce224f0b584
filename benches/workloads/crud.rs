pub fn measure(_: &mut crate::Bench, _: crate::databases::Database) {}
