//! What a file says of its image beside pixels and colours: how large it is printed, where on Earth it lies, which value
//! stands for "no data". Carried to the output as far as it stays true; nothing here is interpreted further.

use crate::geo::Geo;
use tessera_core::placement::Placement;

/// The unit of a resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 25.4 mm.
    Inch,
    /// 10 mm.
    Centimetre,
}

/// Pixels in a length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// Pixels in a unit, from left to right.
    pub x: f64,
    /// Pixels in a unit, from top to bottom.
    pub y: f64,
    /// The unit.
    pub unit: Unit,
}

impl Resolution {
    /// A resolution, where it is one: positive, and not beyond what a file can say.
    pub(crate) fn new(x: f64, y: f64, unit: Unit) -> Option<Resolution> {
        let sound = |value: f64| (1e-3..=1e7).contains(&value);
        (sound(x) && sound(y)).then_some(Resolution { x, y, unit })
    }

    /// That of a result which lies in the image as `placement` says.
    fn placed(self, placement: &Placement) -> Option<Resolution> {
        let Placement { xx, xy, yx, yy, .. } = *placement;
        if xx == 0.0 {
            return Resolution::new(self.y / yx.abs(), self.x / xy.abs(), self.unit);
        }
        Resolution::new(self.x / xx.abs(), self.y / yy.abs(), self.unit)
    }

    /// Pixels in `length` times the unit `unit`, rounded.
    pub fn rounded(self, unit: Unit, length: f64) -> (f64, f64) {
        let factor = match (self.unit, unit) {
            (Unit::Inch, Unit::Inch) | (Unit::Centimetre, Unit::Centimetre) => 1.0,
            (Unit::Inch, Unit::Centimetre) => 1.0 / 2.54,
            (Unit::Centimetre, Unit::Inch) => 2.54,
        };
        ((self.x * factor * length).round(), (self.y * factor * length).round())
    }
}

/// What a source's header says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notes {
    /// How large the image is.
    pub resolution: Option<Resolution>,
    /// Where it lies.
    pub geo: Option<Geo>,
    /// The text of the value that stands for "no data" (GDAL's tag 42113).
    pub nodata: Option<Vec<u8>>,
}

impl Notes {
    /// Those of an image whose rows are the columns of this one's.
    pub(crate) fn transposed(self) -> Notes {
        let swap = |Resolution { x, y, unit }| Resolution { x: y, y: x, unit };
        Notes { resolution: self.resolution.map(swap), ..self }
    }

    /// What is still true of a result that lies in the image as `placement` says. `keeps_samples`: whether its samples are
    /// the image's own, unchanged.
    #[must_use]
    pub fn carried(&self, placement: &Placement, keeps_samples: bool) -> Notes {
        Notes {
            resolution: self.resolution.and_then(|resolution| resolution.placed(placement)),
            geo: self.geo.as_ref().map(|geo| geo.placed(placement)),
            nodata: self.nodata.clone().filter(|_| keeps_samples),
        }
    }
}

/// All that is written beside the pixels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotations {
    /// The raw colour profile. It must suit the channels ([`crate::icc::suits`]).
    pub icc: Option<Vec<u8>>,
    /// The rest.
    pub notes: Notes,
}

impl Annotations {
    /// A raw profile and nothing else.
    pub fn of_profile(icc: Option<Vec<u8>>) -> Annotations {
        Annotations { icc, notes: Notes::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;

    #[test]
    fn a_smaller_and_a_turned_image_have_their_own_resolution() {
        let scan = Resolution { x: 300.0, y: 600.0, unit: Unit::Inch };
        let half = Placement::scaled(Size::new(100, 100), Size::new(50, 50));
        assert_eq!(scan.placed(&half), Resolution::new(150.0, 300.0, Unit::Inch));
        let turned = Placement { xx: 0.0, xy: 1.0, x0: 0.0, yx: -1.0, yy: 0.0, y0: 9.0 };
        assert_eq!(scan.placed(&turned), Resolution::new(600.0, 300.0, Unit::Inch));
        assert_eq!(scan.rounded(Unit::Centimetre, 100.0), (11_811.0, 23_622.0));
    }

    #[test]
    fn no_data_is_kept_only_with_the_samples() {
        let notes = Notes { nodata: Some(b"255\0".to_vec()), ..Notes::default() };
        assert_eq!(notes.carried(&Placement::SAME, true), notes);
        assert_eq!(notes.carried(&Placement::SAME, false).nodata, None);
    }
}
