//! In which order computed values are computed: each after what it reads. If they read each other in a ring there is none.

/// Those of the ring, each of which needs the next; the last needs the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring(pub Vec<usize>);

/// The numbers `0..needs.len()` so that each comes after those it needs, otherwise in their own order. Needs beyond the end are of another
/// set.
///
/// Without recursion: a chain may be as long as a type has members, or a workspace has types.
pub fn ordered(needs: &[Vec<usize>]) -> Result<Vec<usize>, Ring> {
    let mut order = Vec::with_capacity(needs.len());
    let mut states = vec![State::Waiting; needs.len()];
    for first in 0..needs.len() {
        // The way down from `first`: each with how many of its needs have been looked at.
        let mut way: Vec<(usize, usize)> = Vec::new();
        if states[first] == State::Waiting {
            states[first] = State::OnTheWay;
            way.push((first, 0));
        }
        while let Some((at, looked_at)) = way.last_mut() {
            let at = *at;
            let Some(next) = needs[at].get(*looked_at).copied() else {
                states[at] = State::Placed;
                order.push(at);
                way.pop();
                continue;
            };
            *looked_at += 1;
            match states.get(next) {
                Some(State::Waiting) => {
                    states[next] = State::OnTheWay;
                    way.push((next, 0));
                }
                Some(State::OnTheWay) => return Err(Ring(way.iter().map(|(at, _)| *at).skip_while(|at| *at != next).collect())),
                Some(State::Placed) | None => {}
            }
        }
    }
    Ok(order)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    OnTheWay,
    Placed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_after_what_it_needs() {
        assert_eq!(ordered(&[vec![2], vec![], vec![1, 9], vec![0]]), Ok(vec![1, 2, 0, 3]));
        assert_eq!(ordered(&[]), Ok(vec![]));
        let chain: Vec<Vec<usize>> = (0..20_000).map(|at| vec![at + 1]).collect();
        assert_eq!(ordered(&chain).map(|order| order[0]), Ok(19_999));
    }

    #[test]
    fn a_ring_is_told() {
        assert_eq!(ordered(&[vec![], vec![3], vec![1], vec![2, 0]]), Err(Ring(vec![1, 3, 2])));
        assert_eq!(ordered(&[vec![0]]), Err(Ring(vec![0])));
    }
}
