//! Finding rows by a piece of text.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, SimpleExpr};

/// Whether a column holds this text somewhere. Letter case of ASCII doesn't matter, and no letter of the text has a meaning of
/// its own.
pub(crate) fn holds(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter.to_ascii_lowercase());
    }
    pattern.push('%');
    let lower = Func::lower(Expr::col((column.entity_name(), column)));
    Expr::from(lower).like(LikeExpr::new(pattern).escape('\\'))
}
