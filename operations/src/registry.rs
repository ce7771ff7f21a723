//! The list of operations: one line each. Name, schema, planning and computing are delegated from here;
//! nothing else in the project lists the operations.

use crate::apply::{Apply, Reduced};
use crate::form::Form;
use crate::parameter::OutOfBounds;
use crate::region::Region;
use crate::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::placement::Placement;

/// Declares [`Operation`] from lines of `module::Parameters`. In an ImageJob an operation has the name of its
/// parameters' struct in camel case. The struct implements [`Planned`] and [`Apply`] and has a constant `NAME`.
macro_rules! operations {
    ($($module:ident::$name:ident),* $(,)?) => {
        /// One operation of an ImageJob: an object of one key, its name, whose value holds the parameters.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub enum Operation {
            $(#[doc = concat!("See [`", stringify!($name), "`](crate::", stringify!($module), "::", stringify!($name), ").")]
            // The schema has the description of the parameters; this one is for the documentation of the crate.
            #[schemars(description = "")]
            $name(crate::$module::$name),)*
        }

        impl Operation {
            /// The names of all operations, in the order of the list.
            pub const NAMES: &[&str] = &[$(crate::$module::$name::NAME),*];

            /// The names of all operations with their forms, in the order of the list.
            pub fn forms() -> Vec<(&'static str, Form)> {
                vec![$((crate::$module::$name::NAME, crate::$module::$name::form())),*]
            }

            fn reduced_parameters(&self, level: u32) -> Reduced<Operation> {
                match self { $(Operation::$name(parameters) => parameters.reduced(level).map(Operation::$name),)* }
            }

            fn planned(&self) -> &dyn Planned {
                match self { $(Operation::$name(parameters) => parameters,)* }
            }

            fn applied(&self) -> &dyn Apply {
                match self { $(Operation::$name(parameters) => parameters,)* }
            }
        }
    };
}

operations! {
    grayscale::Grayscale,
    invert::Invert,
    brightness_contrast::BrightnessContrast,
    gamma::Gamma,
    levels::Levels,
    hue_saturation::HueSaturation,
    threshold::Threshold,
    posterize::Posterize,
    sepia::Sepia,
    color_map::ColorMap,
    channel::Channel,
    depth::Depth,
    flatten::Flatten,
    gaussian_blur::GaussianBlur,
    box_blur::BoxBlur,
    median_blur::MedianBlur,
    bilateral_filter::BilateralFilter,
    unsharp_mask::UnsharpMask,
    convolve::Convolve,
    gradient::Sobel,
    gradient::Scharr,
    gradient::Prewitt,
    laplacian::Laplacian,
    difference_of_gaussians::DifferenceOfGaussians,
    morphology::Erode,
    morphology::Dilate,
    morphology::Open,
    morphology::Close,
    morphology::MorphGradient,
    morphology::TopHat,
    morphology::BlackHat,
    crop::Crop,
    resize::Resize,
    rotate::Rotate,
    flip::Flip,
}

impl Planned for Operation {
    fn name(&self) -> &'static str {
        self.planned().name()
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        self.planned().output(input)
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        self.planned().reads(output, input)
    }

    fn window(&self, output: Size, input: Size) -> Size {
        self.planned().window(output, input)
    }

    fn placement(&self, input: Extent) -> Placement {
        self.planned().placement(input)
    }

    fn keeps_samples(&self) -> bool {
        self.planned().keeps_samples()
    }

    fn cost(&self, input: Extent) -> f64 {
        self.planned().cost(input)
    }
}

impl Apply for Operation {
    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        self.applied().check_bounds()
    }

    fn reduced(&self, level: u32) -> Reduced<Operation> {
        if level == 0 { Reduced::Same(self.clone()) } else { self.reduced_parameters(level) }
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        self.applied().apply(input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        self.applied().apply_to(input, target, image);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Reads `text` as an operation and expects it to be written as `text` again.
    fn round_trip(text: &str) -> Operation {
        let operation: Operation = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&operation).unwrap(), text);
        operation
    }

    fn refused(text: &str) -> String {
        serde_json::from_str::<Operation>(text).unwrap_err().to_string()
    }

    #[test]
    fn an_operation_is_an_object_of_one_key() {
        assert_eq!(round_trip(r#"{"invert":{}}"#).name(), "invert");
        assert_eq!(round_trip(r#"{"gaussianBlur":{"sigma":1.5}}"#).name(), "gaussianBlur");
        assert_eq!(round_trip(r#"{"sobel":{"norm":"l1","scale":0.25}}"#).name(), "sobel");
        assert_eq!(round_trip(r#"{"grayscale":{"standard":"bt709"}}"#).name(), "grayscale");
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let operation: Operation =
            serde_json::from_str(r#"{"brightnessContrast":{"brightness":0.5}}"#).unwrap();
        let full = json!({"brightnessContrast": {"brightness": 0.5, "contrast": 1}});
        assert_eq!(serde_json::to_value(operation).unwrap(), full);
    }

    #[test]
    fn unknown_names_and_missing_parameters_are_refused() {
        assert!(refused(r#"{"gaussian":{}}"#).contains("gaussianBlur"));
        assert!(refused(r#"{"gaussianBlur":{}}"#).contains("sigma"));
        assert!(refused(r#"{"gaussianBlur":{"sigma":1,"sigmaX":2}}"#).contains("sigmaX"));
        assert!(refused(r#"{"invert":{"amount":1}}"#).contains("amount"));
    }

    #[test]
    fn names_are_the_keys_of_the_schema() {
        let schema = schemars::schema_for!(Operation).to_value();
        let branches = schema["oneOf"].as_array().unwrap();
        let keys: Vec<_> = branches.iter().map(|branch| branch["required"][0].as_str().unwrap()).collect();
        assert_eq!(keys, Operation::NAMES);
    }

    #[test]
    fn the_schema_states_bounds_and_defaults() {
        let schema = schemars::schema_for!(Operation).to_value();
        let parameters = |name: &str| schema["$defs"][name]["properties"].clone();
        assert_eq!(parameters("GaussianBlur")["sigma"]["minimum"], 0.1);
        assert_eq!(parameters("GaussianBlur")["sigma"]["maximum"], 100.0);
        assert_eq!(parameters("BrightnessContrast")["contrast"]["default"], 1);
        assert_eq!(parameters("Sobel")["norm"]["default"], "l2");
        assert_eq!(schema["$defs"]["Norm"]["enum"], json!(["l2", "l1"]));
        assert_eq!(schema["$defs"]["Invert"]["additionalProperties"], false);
    }

    #[test]
    fn a_form_speaks_of_parameters_that_there_are() {
        let schema = schemars::schema_for!(Operation).to_value();
        for (branch, (name, form)) in schema["oneOf"].as_array().unwrap().iter().zip(Operation::forms()) {
            let definition = branch["properties"][name]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            let parameters = &schema["$defs"][definition]["properties"];
            for field in form.fields {
                assert!(parameters.get(field.name).is_some(), "{name} has no parameter {}", field.name);
            }
        }
    }

    #[test]
    fn parameters_out_of_their_bounds_are_named() {
        let check = |text: &str| serde_json::from_str::<Operation>(text).unwrap().check_bounds();
        assert_eq!(check(r#"{"gaussianBlur":{"sigma":100}}"#), Ok(()));
        let error = check(r#"{"gaussianBlur":{"sigma":100.000001}}"#).unwrap_err();
        assert_eq!(error.to_string(), "sigma must be from 0.1 to 100, not 100.000001");
        assert_eq!(check(r#"{"sobel":{"scale":0}}"#).unwrap_err().parameter, "scale");
        assert_eq!(check(r#"{"brightnessContrast":{"brightness":-2}}"#).unwrap_err().parameter, "brightness");
    }
}
