//! The lanes of the queue.

/// A lane: a queue of its own beside the others, so that a backlog in one holds up nothing in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The events of the input bucket.
    Uploads,
    /// What `sightline backfill` sends.
    Bulk,
}

impl Lane {
    /// All lanes.
    pub(crate) const ALL: [Self; 2] = [Self::Uploads, Self::Bulk];

    /// The name of the lane's queue in SQS.
    #[must_use]
    pub const fn queue_name(self) -> &'static str {
        match self {
            Self::Uploads => "sightline",
            Self::Bulk => "sightline-bulk",
        }
    }

    /// The lane with this queue.
    pub(crate) fn of_queue(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.queue_name() == name)
    }

    /// The lane with this value in the database.
    pub(crate) fn of_number(number: i64) -> Self {
        match number {
            1 => Self::Bulk,
            _ => Self::Uploads,
        }
    }

    /// The value in the database.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Uploads => 0,
            Self::Bulk => 1,
        }
    }
}
