//! The plan of `--policy`: where rules come from, and for whom.

use netkit::resolve::policy::Place;

use crate::args::PolicyArgs;

/// Rules that names are looked up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyPlan {
    pub(crate) place: Place,
    pub(crate) region: Option<String>,
}

impl PolicyPlan {
    /// `None` when no policy is asked for; clap lets no region stand alone.
    pub(super) fn new(args: &PolicyArgs) -> Option<Self> {
        let place = args.policy.clone()?;
        let region = args.region.clone();
        Some(Self { place, region })
    }
}
