//! The georeference of a GeoTIFF (OGC 19-008r4): the tags that tie pixels to coordinates, moved with the pixels. The coordinate
//! system's own keys are carried as they are.

use crate::header::Stop;
use crate::tiff_ifd::{Directory, tag};
use tessera_core::placement::Placement;

/// The most tie points, keys and parameters that are carried.
const MOST: u64 = 4096;

/// The key GTRasterTypeGeoKey, and its value for pixels that are points: raster coordinates then count from the first
/// pixel's centre, else from its corner.
const RASTER_TYPE: u16 = 1025;
const PIXEL_IS_POINT: u16 = 2;

/// Six numbers that tie a point of the raster to one of the model: i, j, k, x, y, z.
type TiePoint = [f64; 6];

/// A georeference.
#[derive(Debug, Clone, PartialEq)]
pub struct Geo {
    /// How raster coordinates become model coordinates.
    pub(crate) model: Model,
    /// GeoKeyDirectoryTag.
    pub(crate) keys: Vec<u16>,
    /// GeoDoubleParamsTag.
    pub(crate) doubles: Vec<f64>,
    /// GeoAsciiParamsTag.
    pub(crate) text: Vec<u8>,
}

/// How raster coordinates become model coordinates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Model {
    /// ModelPixelScaleTag, and the first of ModelTiepointTag: rows go down, columns to the right.
    Scale([f64; 3], TiePoint),
    /// ModelTransformationTag: a matrix of 4 x 4, row-major.
    Matrix([f64; 16]),
    /// ModelTiepointTag alone: ground control points.
    Points(Vec<TiePoint>),
}

impl Geo {
    /// That of a directory; `None` where it has none, or none that can be understood.
    pub(crate) fn read(directory: &Directory) -> Result<Option<Geo>, Stop> {
        let keys = directory.uints(tag::GEO_KEYS, 4 * MOST)?;
        let Some(model) = Model::read(directory)? else { return Ok(None) };
        let keys: Option<Vec<u16>> = keys.into_iter().map(|key| u16::try_from(key).ok()).collect();
        let Some(keys) = keys.filter(|keys| keys.len() >= 4) else { return Ok(None) };
        let doubles = directory.floats(tag::GEO_DOUBLES, MOST)?;
        let text = directory.start_of(tag::GEO_TEXT, 16 * MOST)?.to_vec();
        Ok(Some(Geo { model, keys, doubles, text }))
    }

    /// That of a result which lies in the image as `placement` says.
    pub(crate) fn placed(&self, placement: &Placement) -> Geo {
        if *placement == Placement::SAME {
            return self.clone();
        }
        let placement = if self.is_of_points() { placement.between_centres() } else { *placement };
        Geo { model: self.model.placed(&placement), ..self.clone() }
    }

    fn is_of_points(&self) -> bool {
        let (entries, _) = self.keys.as_chunks::<4>();
        entries
            .iter()
            .any(|[key, place, _, value]| (*key, *place, *value) == (RASTER_TYPE, 0, PIXEL_IS_POINT))
    }
}

impl Model {
    fn read(directory: &Directory) -> Result<Option<Model>, Stop> {
        let matrix = directory.floats(tag::MODEL_MATRIX, 16)?;
        if let Ok(matrix) = <[f64; 16]>::try_from(matrix) {
            return Ok(Some(Model::Matrix(matrix)));
        }
        let scale = directory.floats(tag::MODEL_SCALE, 3)?;
        let points = directory.floats(tag::MODEL_POINTS, 6 * MOST)?;
        let (points, _) = points.as_chunks::<6>();
        Ok(match (<[f64; 3]>::try_from(scale), points) {
            (_, []) => None,
            (Ok(scale), [first, ..]) => Some(Model::Scale(scale, *first)),
            (Err(_), points) => Some(Model::Points(points.to_vec())),
        })
    }

    fn placed(&self, placement: &Placement) -> Model {
        match self {
            Model::Points(points) => {
                Model::Points(points.iter().map(|point| moved(*point, placement)).collect())
            }
            Model::Matrix(matrix) => Model::Matrix(compose(matrix, placement)),
            Model::Scale(scale, tie) => {
                let Placement { xx, xy, yx, yy, .. } = *placement;
                let upright = xy == 0.0 && yx == 0.0 && xx > 0.0 && yy > 0.0;
                if !upright {
                    return Model::Matrix(compose(&matrix_of(*scale, *tie), placement));
                }
                Model::Scale([scale[0] * xx, scale[1] * yy, scale[2]], moved(*tie, placement))
            }
        }
    }
}

/// A tie point in the raster of the result.
fn moved([i, j, k, x, y, z]: TiePoint, placement: &Placement) -> TiePoint {
    let (i, j) = placement.result(i, j);
    [i, j, k, x, y, z]
}

/// The matrix of a scale and a tie point (section 7.2.3.6).
fn matrix_of([sx, sy, sz]: [f64; 3], [i, j, k, x, y, z]: TiePoint) -> [f64; 16] {
    let (tx, ty, tz) = (x - i * sx, y + j * sy, z - k * sz);
    [sx, 0.0, 0.0, tx, 0.0, -sy, 0.0, ty, 0.0, 0.0, sz, tz, 0.0, 0.0, 0.0, 1.0]
}

/// The matrix for the raster of the result.
fn compose(matrix: &[f64; 16], placement: &Placement) -> [f64; 16] {
    let Placement { xx, xy, x0, yx, yy, y0 } = *placement;
    let mut composed = *matrix;
    for (row, from) in composed.as_chunks_mut::<4>().0.iter_mut().zip(matrix.as_chunks::<4>().0) {
        let [a, b, _, d] = *from;
        row[0] = a * xx + b * yx;
        row[1] = a * xy + b * yy;
        row[3] = a * x0 + b * y0 + d;
    }
    composed
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;

    fn geo(model: Model, raster_type: u16) -> Geo {
        Geo { model, keys: vec![1, 1, 0, 1, RASTER_TYPE, 0, 1, raster_type], doubles: vec![], text: vec![] }
    }

    #[test]
    fn a_part_at_half_the_size_keeps_its_place_on_earth() {
        let model = Model::Scale([10.0, 10.0, 0.0], [0.0, 0.0, 0.0, 500_000.0, 4_000_000.0, 0.0]);
        let part = Placement::part(100, 50).then(Placement::scaled(Size::new(80, 60), Size::new(40, 30)));
        let Model::Scale(scale, tie) = geo(model, 1).placed(&part).model else { panic!("it stays upright") };
        assert_eq!(scale, [20.0, 20.0, 0.0]);
        // The corner of the part: 500000 + 100 * 10, 4000000 - 50 * 10.
        let corner = (tie[3] - tie[0] * scale[0], tie[4] + tie[1] * scale[1]);
        assert_eq!(corner, (501_000.0, 3_999_500.0));
    }

    #[test]
    fn a_turned_image_has_a_matrix() {
        let model = Model::Scale([10.0, 5.0, 0.0], [0.0, 0.0, 0.0, 1000.0, 2000.0, 0.0]);
        let turned = Placement { xx: 0.0, xy: 1.0, x0: 0.0, yx: -1.0, yy: 0.0, y0: 40.0 };
        let Model::Matrix(m) = geo(model, 1).placed(&turned).model else { panic!("no scale can say it") };
        // Pixel corner (3, 7) of the result is (7, 37) of the image.
        let at = |u: f64, v: f64| (m[0] * u + m[1] * v + m[3], m[4] * u + m[5] * v + m[7]);
        assert_eq!(at(3.0, 7.0), (1000.0 + 70.0, 2000.0 - 185.0));
    }

    #[test]
    fn pixels_that_are_points_are_counted_from_centres() {
        let model = Model::Scale([10.0, 10.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let half = Placement::scaled(Size::new(80, 60), Size::new(40, 30));
        let Model::Scale(scale, tie) = geo(model, 2).placed(&half).model else { panic!("it stays upright") };
        // The first pixel's centre lies between those of the first two.
        assert_eq!(tie[3] - tie[0] * scale[0], 5.0);
    }

    #[test]
    fn ground_control_points_move_with_the_pixels() {
        let model = Model::Points(vec![[110.0, 60.0, 0.0, 7.0, 8.0, 0.0]]);
        let moved = geo(model, 1).placed(&Placement::part(100, 50)).model;
        assert_eq!(moved, Model::Points(vec![[10.0, 10.0, 0.0, 7.0, 8.0, 0.0]]));
    }
}
