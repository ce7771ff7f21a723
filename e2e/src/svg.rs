//! Pictures of figures as SVG. Pure.

/// Width of all pictures in pixels.
pub const WIDTH: f64 = 760.0;

/// Blue. This colour and the next are told apart by everybody, on white.
pub const BLUE: &str = "#0072b2";
/// Orange.
pub const ORANGE: &str = "#e69f00";
/// Bluish green.
pub const GREEN: &str = "#009e73";
/// For what is in the background.
pub const GREY: &str = "#888888";
/// A pale blue, for areas.
pub const PALE: &str = "#cfe3f1";

/// A picture of this width, drawn from top to bottom.
pub struct Picture {
    text: String,
    height: f64,
}

impl Picture {
    /// An empty picture of this height in pixels.
    pub fn new(height: f64) -> Picture {
        Picture { text: String::new(), height }
    }

    /// Adds any element.
    pub fn add(&mut self, element: &str) {
        self.text.push_str("  ");
        self.text.push_str(element);
        self.text.push('\n');
    }

    /// A straight line; `style` are attributes.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        self.add(&format!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {style}/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// Text whose `anchor` (start, middle, end) is at `at`.
    pub fn words(&mut self, at: (f64, f64), anchor: &str, words: &str) {
        self.add(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            at.0,
            at.1,
            words.replace('&', "&amp;").replace('<', "&lt;")
        ));
    }

    /// A filled rectangle from `x.0` to `x.1`, and down from `y`.
    pub fn bar(&mut self, x: (f64, f64), y: f64, height: f64, colour: &str) {
        let width = (x.1 - x.0).max(0.5);
        self.add(&format!(
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>",
            x.0
        ));
    }

    /// The picture as a file.
    #[must_use]
    pub fn finish(self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {h}\" width=\"{WIDTH}\" height=\"{h}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n  <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}</svg>\n",
            self.text,
            h = self.height
        )
    }
}
