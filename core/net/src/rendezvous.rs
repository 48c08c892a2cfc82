//! Which of several relays a phone tries first (P12.9). All phones of a unit agree without talking, units spread evenly
//! over the relays, and when one relay is gone only its own units move.

use sotay_feed::{InOrder, UnitId};

use crate::RelayAddress;

/// Key-derivation context of a relay's draw for a unit.
const CONTEXT: &str = "sotay/v1/rendezvous";

/// The relays in the order in which phones of the unit try them: the highest draw first.
pub fn in_order(unit: &UnitId, relays: impl IntoIterator<Item = RelayAddress>) -> Vec<RelayAddress> {
    let mut drawn: Vec<_> = relays
        .into_iter()
        .map(|relay| (std::cmp::Reverse(draw(unit, &relay)), relay))
        .collect();
    drawn.in_order();
    drawn.into_iter().map(|(_, relay)| relay).collect()
}

/// By the key, not the address: a relay that moves keeps its units.
fn draw(unit: &UnitId, relay: &RelayAddress) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(unit.as_bytes());
    hasher.update(relay.key().as_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use sotay_feed::DeviceKeys;

    fn relay(number: u8) -> RelayAddress {
        let key = DeviceKeys::from_seeds([number; 32], [number; 32]).public().sign;
        RelayAddress::new(&format!("relay{number}.example"), 7843, key).unwrap()
    }

    fn unit(number: u32) -> UnitId {
        UnitId::from_bytes(*blake3::hash(&number.to_be_bytes()).as_bytes())
    }

    #[test]
    fn the_draw_of_a_relay_for_a_unit_is_fixed() {
        let drawn = draw(&UnitId::from_bytes([7; 32]), &relay(1));
        let expected = blake3::derive_key(CONTEXT, &[&[7; 32][..], relay(1).key().as_bytes()].concat());
        assert_eq!(drawn, expected);
        assert_eq!(HEXLOWER.encode(&drawn[..8]), GOLDEN);
    }

    const GOLDEN: &str = "0be42b1a48070749";

    #[test]
    fn the_order_does_not_depend_on_the_list_and_a_relay_that_is_gone_moves_no_other_unit() {
        let all: Vec<RelayAddress> = (1..=5).map(relay).collect();
        for number in 0..200 {
            let order = in_order(&unit(number), all.clone());
            assert_eq!(in_order(&unit(number), all.iter().rev().cloned()), order);
            let gone = order[0].clone();
            let rest = all.iter().filter(|relay| **relay != gone).cloned();
            assert_eq!(in_order(&unit(number), rest), order[1..]);
        }
        assert!(in_order(&unit(1), []).is_empty());
    }

    #[test]
    fn units_spread_evenly_over_the_relays_also_over_those_that_are_left() {
        let all: Vec<RelayAddress> = (1..=4).map(relay).collect();
        let mut first = [0u32; 4];
        let mut second = [0u32; 4];
        for number in 0..4000 {
            let order = in_order(&unit(number), all.clone());
            let index = |relay: &RelayAddress| all.iter().position(|one| one == relay).unwrap();
            first[index(&order[0])] += 1;
            if index(&order[0]) == 0 {
                second[index(&order[1])] += 1;
            }
        }
        assert!(first.iter().all(|count| (900..1100).contains(count)), "{first:?}");
        assert!(
            second[1..].iter().all(|count| (270..400).contains(count)),
            "{second:?}"
        );
    }
}
