//! Sorting with little code. The standard library's sorts are quick and large: four kilobytes of machine code for every type
//! that is sorted, which was half a megabyte of the library inside apps (decision 0182). Here one sort, of places, serves
//! all types. Lists that a phone shows have tens or hundreds of elements, for which both take microseconds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Lists that can be put in order. Elements that compare equal keep their order.
pub trait InOrder<T> {
    /// Sorts by what `order` says.
    fn in_order_by(&mut self, order: impl FnMut(&T, &T) -> Ordering);

    /// Sorts by a key.
    fn in_order_by_key<K: Ord>(&mut self, mut key: impl FnMut(&T) -> K) {
        self.in_order_by(|a, b| key(a).cmp(&key(b)));
    }

    /// Sorts from small to great.
    fn in_order(&mut self)
    where
        T: Ord,
    {
        self.in_order_by(T::cmp);
    }
}

impl<T> InOrder<T> for [T] {
    fn in_order_by(&mut self, mut order: impl FnMut(&T, &T) -> Ordering) {
        let list = &*self;
        let mut from = sorted_places(list.len(), &mut |a, b| order(&list[a], &list[b]));
        // `from[at]` is where the element for `at` stands. One circle of places after the other is brought home.
        for start in 0..from.len() {
            let mut at = start;
            while from[at] != start {
                let next = from[at];
                self.swap(at, next);
                from[at] = at;
                at = next;
            }
            from[at] = at;
        }
    }
}

/// The places `0..len` in the order of what stands there. Not generic, so that the sort is compiled once.
#[inline(never)]
fn sorted_places(len: usize, order: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    places.sort_by(|&a, &b| order(a, b));
    places
}

/// Gathering into a B-tree with little code: one element after the other. `collect` sorts first, by the standard library's sort.
pub trait IntoTree: Iterator + Sized {
    /// A set of all elements.
    fn into_set(self) -> BTreeSet<Self::Item>
    where
        Self::Item: Ord,
    {
        let mut set = BTreeSet::new();
        for element in self {
            set.insert(element);
        }
        set
    }

    /// A map; of equal keys the last one counts.
    fn into_map<K: Ord, V>(self) -> BTreeMap<K, V>
    where
        Self: Iterator<Item = (K, V)>,
    {
        let mut map = BTreeMap::new();
        for (key, value) in self {
            map.insert(key, value);
        }
        map
    }
}

impl<I: Iterator> IntoTree for I {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_are_in_the_order_of_the_standard_sort(list: Vec<(u8, u16)>) {
            let (mut ours, mut theirs) = (list.clone(), list);
            ours.in_order_by_key(|one| one.0);
            theirs.sort_by_key(|one| one.0);
            prop_assert_eq!(&ours, &theirs, "equal keys keep their order");
            ours.in_order();
            theirs.sort();
            prop_assert_eq!(ours, theirs);
        }
    }

    proptest! {
        #[test]
        fn trees_are_those_that_collect_makes(list: Vec<(u8, u16)>) {
            let (map, set) = (list.iter().copied().into_map(), list.iter().copied().into_set());
            prop_assert_eq!(map, list.iter().copied().collect());
            prop_assert_eq!(set, list.into_iter().collect());
        }
    }

    #[test]
    fn an_empty_list_and_a_single_element_are_in_order() {
        let mut none: [u8; 0] = [];
        none.in_order();
        let mut one = [7];
        one.in_order_by(|a, b| b.cmp(a));
        assert_eq!(one, [7]);
    }
}
