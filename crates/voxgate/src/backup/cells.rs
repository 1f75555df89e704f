//! Rows as lines of JSON: a list with one value for each column, bytes as base64.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::ser::{Serialize, SerializeSeq as _, Serializer};
use serde_json::Value;
use sql::{Cell, Kind, Table};

/// A row, to be written.
pub(super) struct Row<'a>(pub(super) &'a [Cell]);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for cell in self.0 {
            match cell {
                Cell::Null => list.serialize_element(&())?,
                Cell::Text(text) => list.serialize_element(text)?,
                Cell::Integer(number) => list.serialize_element(number)?,
                Cell::Boolean(is) => list.serialize_element(is)?,
                Cell::Bytes(bytes) => list.serialize_element(&BASE64_STANDARD.encode(bytes))?,
                Cell::Double(number) => list.serialize_element(number)?,
            }
        }
        list.end()
    }
}

/// A row that was read; `None` where the line doesn't fit the table.
pub(super) fn row(line: &str, table: &Table) -> Option<Vec<Cell>> {
    let values: Vec<Value> = serde_json::from_str(line).ok()?;
    if values.len() != table.columns.len() {
        return None;
    }
    values.into_iter().zip(&table.columns).map(|(value, column)| cell(value, column.kind)).collect()
}

fn cell(value: Value, kind: Kind) -> Option<Cell> {
    Some(match (kind, value) {
        (_, Value::Null) => Cell::Null,
        (Kind::Text, Value::String(text)) => Cell::Text(text),
        (Kind::Bytes, Value::String(text)) => Cell::Bytes(BASE64_STANDARD.decode(text).ok()?),
        (Kind::Small | Kind::Integer, Value::Number(number)) => Cell::Integer(number.as_i64()?),
        (Kind::Double, Value::Number(number)) => Cell::Double(number.as_f64()?),
        (Kind::Boolean, Value::Bool(is)) => Cell::Boolean(is),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sql::Column;

    use super::*;

    fn any_cell() -> impl Strategy<Value = (Kind, Cell)> {
        prop_oneof![
            any::<String>().prop_map(|text| (Kind::Text, Cell::Text(text))),
            any::<i64>().prop_map(|number| (Kind::Integer, Cell::Integer(number))),
            any::<i32>().prop_map(|number| (Kind::Small, Cell::Integer(i64::from(number)))),
            any::<bool>().prop_map(|is| (Kind::Boolean, Cell::Boolean(is))),
            any::<Vec<u8>>().prop_map(|bytes| (Kind::Bytes, Cell::Bytes(bytes))),
            (-1e300..1e300).prop_map(|number| (Kind::Double, Cell::Double(number))),
            Just((Kind::Text, Cell::Null)),
        ]
    }

    /// A number comes back to its last bit.
    #[test]
    fn numbers_come_back_exactly() {
        let number = -6.031_385_043_686_851e299;
        let columns = vec![Column { name: "c".to_owned(), kind: Kind::Double }];
        let table = Table { name: "t".to_owned(), columns, key: Vec::new() };
        let line = serde_json::to_string(&Row(&[Cell::Double(number)])).unwrap();
        assert_eq!(row(&line, &table), Some(vec![Cell::Double(number)]));
    }

    proptest! {
        /// Every row comes back as it was, whatever it holds, and stands on one line.
        #[test]
        fn rows_survive(cells in prop::collection::vec(any_cell(), 0..12)) {
            let columns = cells.iter().map(|(kind, _)| Column { name: "c".to_owned(), kind: *kind }).collect();
            let table = Table { name: "t".to_owned(), columns, key: Vec::new() };
            let cells: Vec<Cell> = cells.into_iter().map(|(_, cell)| cell).collect();
            let line = serde_json::to_string(&Row(&cells)).unwrap();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(row(&line, &table), Some(cells));
        }

        /// A line that isn't a row is refused, and nothing panics.
        #[test]
        fn other_lines_are_refused(line in any::<String>()) {
            let columns = vec![Column { name: "c".to_owned(), kind: Kind::Bytes }];
            let table = Table { name: "t".to_owned(), columns, key: Vec::new() };
            if let Some(row) = row(&line, &table) {
                prop_assert!(matches!(row.as_slice(), [Cell::Null | Cell::Bytes(_)]));
            }
        }
    }
}
