/// Solves linear equations with a positive definite matrix by Gauss-Jordan elimination, for which no pivoting is needed.
///
/// A row has the `ROWS` factors of an equation, followed by its right sides. In the result, the right sides of each row
/// are the solutions for its unknown.
pub(super) fn solved<const ROWS: usize, const COLUMNS: usize>(
    mut equations: [[f64; COLUMNS]; ROWS],
) -> [[f64; COLUMNS]; ROWS] {
    for pivot in 0..ROWS {
        let pivot_row = equations[pivot].map(|value| value / equations[pivot][pivot]);
        for (at, row) in equations.iter_mut().enumerate() {
            let factor = if at == pivot { 0.0 } else { row[pivot] };
            let base = if at == pivot { pivot_row } else { *row };
            *row = std::array::from_fn(|column| base[column] - factor * pivot_row[column]);
        }
    }
    equations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solutions_satisfy_the_equations() {
        let equations = [[4.0, 1.0, 0.5, 1.0, -2.0], [1.0, 3.0, 0.2, 2.0, 0.0], [0.5, 0.2, 2.0, 3.0, 7.0]];
        let solutions = solved(equations);
        for right in [3, 4] {
            for equation in equations {
                let left: f64 = (0..3).map(|unknown| equation[unknown] * solutions[unknown][right]).sum();
                assert!((left - equation[right]).abs() < 1e-12, "{solutions:?}");
            }
        }
    }
}
