//! Regions, and the areas that group them (design 5).

use crate::{bit_set, named_enum};

named_enum! {
    /// One processing site with its own endpoints.
    Region {
        /// Europe.
        Eu1 = "eu1",
        /// United States.
        Us1 = "us1",
        /// Australia; batch only.
        Au1 = "au1",
        /// Europe, failover, enterprise only.
        Eu2 = "eu2",
        /// United States, failover, enterprise only.
        Us2 = "us2",
    }
}

named_enum! {
    /// A group of regions; what a key is linked to.
    Area {
        /// `eu1` and `eu2`.
        Eu = "eu",
        /// `us1` and `us2`.
        Usa = "usa",
        /// `au1`.
        Au = "au",
    }
}

bit_set! {
    /// The areas that a key is linked to.
    AreaSet of Area in u8
}

impl Region {
    /// The area that this region belongs to.
    pub const fn area(self) -> Area {
        match self {
            Self::Eu1 | Self::Eu2 => Area::Eu,
            Self::Us1 | Self::Us2 => Area::Usa,
            Self::Au1 => Area::Au,
        }
    }

    /// Whether only enterprise workspaces may use it.
    pub const fn is_enterprise(self) -> bool {
        matches!(self, Self::Eu2 | Self::Us2)
    }

    /// Whether it has a realtime endpoint.
    pub const fn has_realtime(self) -> bool {
        matches!(self, Self::Eu1 | Self::Us1)
    }

    /// The region that an enterprise workspace turns to when the engine here is down.
    pub const fn failover(self) -> Option<Self> {
        match self {
            Self::Eu1 => Some(Self::Eu2),
            Self::Us1 => Some(Self::Us2),
            Self::Au1 | Self::Eu2 | Self::Us2 => None,
        }
    }
}

impl Area {
    /// The region that serves this area for everybody.
    pub const fn main_region(self) -> Region {
        match self {
            Self::Eu => Region::Eu1,
            Self::Usa => Region::Us1,
            Self::Au => Region::Au1,
        }
    }

    /// Whether realtime can be used in this area.
    pub const fn has_realtime(self) -> bool {
        self.main_region().has_realtime()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enterprise regions are exactly the failover regions, and each lies in the area it stands in for.
    #[test]
    fn failover_regions_are_the_enterprise_ones() {
        for region in Region::ALL.iter().copied() {
            if let Some(other) = region.failover() {
                assert!(other.is_enterprise());
                assert_eq!(other.area(), region.area());
            }
            assert_eq!(region.area().main_region().area(), region.area());
        }
        let set: AreaSet = [Area::Eu, Area::Au].into_iter().collect();
        assert!(set.contains(Area::Au) && !set.contains(Area::Usa));
        assert_eq!(set.names(), "eu, au");
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["eu","au"]"#);
    }
}
