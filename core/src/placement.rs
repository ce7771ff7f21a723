//! Where a result's pixels lie in the image that it was made of: what a file's georeference and resolution follow.

use crate::geometry::Size;

/// The point of an input that a point `(u, v)` of the result shows: `x = xx u + xy v + x0`, `y = yx u + yy v + y0`. Points are
/// counted in pixels from the outer corner of the first pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// How x grows with u.
    pub xx: f64,
    /// How x grows with v.
    pub xy: f64,
    /// The x of the result's corner.
    pub x0: f64,
    /// How y grows with u.
    pub yx: f64,
    /// How y grows with v.
    pub yy: f64,
    /// The y of the result's corner.
    pub y0: f64,
}

impl Placement {
    /// Every pixel in its place.
    pub const SAME: Placement = Placement { xx: 1.0, xy: 0.0, x0: 0.0, yx: 0.0, yy: 1.0, y0: 0.0 };

    /// A part that begins at a pixel.
    pub fn part(x: u32, y: u32) -> Placement {
        Placement { x0: f64::from(x), y0: f64::from(y), ..Placement::SAME }
    }

    /// All of an image of size `input` in another size.
    pub fn scaled(input: Size, output: Size) -> Placement {
        let ratio = |input: u32, output: u32| f64::from(input) / f64::from(output);
        Placement {
            xx: ratio(input.width, output.width),
            yy: ratio(input.height, output.height),
            ..Placement::SAME
        }
    }

    /// The placement of a result in the input of `self`, which lies in the result of `self` as `next` says.
    #[must_use]
    pub fn then(self, next: Placement) -> Placement {
        let (x0, y0) = self.at(next.x0, next.y0);
        Placement {
            xx: self.xx * next.xx + self.xy * next.yx,
            xy: self.xx * next.xy + self.xy * next.yy,
            x0,
            yx: self.yx * next.xx + self.yy * next.yx,
            yy: self.yx * next.xy + self.yy * next.yy,
            y0,
        }
    }

    /// The point of the input that a point of the result shows.
    pub fn at(self, u: f64, v: f64) -> (f64, f64) {
        (self.xx * u + self.xy * v + self.x0, self.yx * u + self.yy * v + self.y0)
    }

    /// The point of the result that shows a point of the input.
    pub fn result(self, x: f64, y: f64) -> (f64, f64) {
        let determinant = self.xx * self.yy - self.xy * self.yx;
        let (x, y) = (x - self.x0, y - self.y0);
        ((self.yy * x - self.xy * y) / determinant, (self.xx * y - self.yx * x) / determinant)
    }

    /// The same for points that are counted from the centre of the first pixel.
    #[must_use]
    pub fn between_centres(self) -> Placement {
        let (x, y) = self.at(0.5, 0.5);
        Placement { x0: x - 0.5, y0: y - 0.5, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placements_follow_each_other_and_have_an_inverse() {
        let smaller =
            Placement::part(100, 40).then(Placement::scaled(Size::new(600, 200), Size::new(300, 50)));
        assert_eq!(smaller.at(1.0, 1.0), (102.0, 44.0));
        let quarter = Placement { xx: 0.0, xy: 1.0, x0: 0.0, yx: -1.0, yy: 0.0, y0: 200.0 };
        let both = smaller.then(quarter);
        assert_eq!(both.at(3.0, 7.0), smaller.at(7.0, 197.0));
        let (x, y) = both.at(3.0, 7.0);
        assert_eq!(both.result(x, y), (3.0, 7.0));
    }

    #[test]
    fn centres_of_larger_pixels_lie_between_those_of_smaller() {
        let half = Placement::scaled(Size::new(10, 10), Size::new(5, 5)).between_centres();
        assert_eq!(half.at(0.0, 0.0), (0.5, 0.5));
    }
}
