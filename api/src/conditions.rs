//! The conditions of ImageJobs and WorkerPools: their types, their reasons, and how one is set.
//! The time is a parameter; nothing here decides which condition holds.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Defines an enum of names that are the same in Rust and in the API.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The name in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => stringify!($variant),)* }
            }

            /// The one of this name.
            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// The type of a condition.
    ConditionType {
        /// The request was checked against the image and the pool, and planned.
        Accepted,
        /// Work is going on, or would if there were slots.
        Progressing,
        /// The output is in its place.
        Complete,
        /// There will be no output.
        Failed,
        /// Complete or failed: the one to wait for.
        Finished,
        /// For kstatus: complete; for a pool: usable.
        Ready,
        /// For kstatus, present only when refused or failed: nothing will happen without the user.
        Stalled,
    }
}

pub use tessera_core::reason::Reason;

names! {
    /// The status of a condition.
    ConditionStatus {
        /// It holds.
        True,
        /// It does not hold.
        False,
        /// It is not known yet.
        Unknown,
    }
}

/// A condition as it should be; its time of transition follows from what was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCondition {
    /// Which condition.
    pub type_: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why, in a word.
    pub reason: Reason,
    /// Why, and what to do, in a sentence.
    pub message: String,
    /// The `metadata.generation` that this was decided for.
    pub observed_generation: Option<i64>,
}

/// Sets a condition; `lastTransitionTime` becomes `now` only where the status changes.
pub fn set(conditions: &mut Vec<Condition>, new: NewCondition, now: Timestamp) {
    let old = conditions.iter().position(|one| one.type_ == new.type_.as_str());
    let kept = old.map(|index| &conditions[index]).filter(|old| old.status == new.status.as_str());
    let last_transition_time = kept.map_or(Time(now), |old| old.last_transition_time.clone());
    let condition = Condition {
        last_transition_time,
        message: new.message,
        observed_generation: new.observed_generation,
        reason: new.reason.as_str().to_owned(),
        status: new.status.as_str().to_owned(),
        type_: new.type_.as_str().to_owned(),
    };
    match old {
        Some(index) => conditions[index] = condition,
        None => conditions.push(condition),
    }
}

/// Removes a condition.
pub fn remove(conditions: &mut Vec<Condition>, type_: ConditionType) {
    conditions.retain(|one| one.type_ != type_.as_str());
}

/// The condition of this type, if there is one.
pub fn get(conditions: &[Condition], type_: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|one| one.type_ == type_.as_str())
}

/// Whether the condition is there and `True`.
pub fn is_true(conditions: &[Condition], type_: ConditionType) -> bool {
    get(conditions, type_).is_some_and(|one| one.status == ConditionStatus::True.as_str())
}

/// Whether two lists say the same, whatever their times and order.
pub fn same(a: &[Condition], b: &[Condition]) -> bool {
    let said = |list: &[Condition]| {
        let key = |one: &Condition| {
            let Condition { last_transition_time: _, message, observed_generation, reason, status, type_ } =
                one.clone();
            (type_, status, reason, message, observed_generation)
        };
        let mut keys: Vec<_> = list.iter().map(key).collect();
        keys.sort();
        keys
    };
    said(a) == said(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(status: ConditionStatus, message: &str) -> NewCondition {
        NewCondition {
            type_: ConditionType::Accepted,
            status,
            reason: Reason::Accepted,
            message: message.to_owned(),
            observed_generation: Some(1),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_time_of_transition_changes_only_with_the_status() {
        let mut list = Vec::new();
        set(&mut list, accepted(ConditionStatus::True, "a"), at(1));
        set(&mut list, accepted(ConditionStatus::True, "b"), at(2));
        assert_eq!((list.len(), list[0].message.as_str(), list[0].last_transition_time.0), (1, "b", at(1)));
        set(&mut list, accepted(ConditionStatus::False, "b"), at(3));
        assert_eq!(list[0].last_transition_time.0, at(3));
        assert!(!is_true(&list, ConditionType::Accepted));
    }

    #[test]
    fn lists_that_differ_in_times_only_are_the_same() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        set(&mut a, accepted(ConditionStatus::True, "a"), at(1));
        set(&mut b, accepted(ConditionStatus::True, "a"), at(2));
        assert!(same(&a, &b));
        set(&mut b, accepted(ConditionStatus::True, "other"), at(2));
        assert!(!same(&a, &b));
    }

    #[test]
    fn names_are_found_again() {
        assert!(ConditionType::ALL.iter().all(|one| ConditionType::parse(one.as_str()) == Some(*one)));
        assert_eq!(ConditionType::parse("Finished"), Some(ConditionType::Finished));
        assert_eq!(ConditionType::parse("finished"), None);
    }
}
