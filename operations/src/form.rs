//! What a form needs to know of an operation beside its schema: where it stands in the list, and how its controls begin.
//! Each operation says it in its own file; bounds, choices and help stand in the schema alone.

use serde_json::Value;

/// How soon somebody should meet an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// What everybody knows from a photograph.
    Basic,
    /// What one looks for.
    Advanced,
}

/// A control that the schema alone does not suggest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// By the schema: numbers with bounds, choices, switches.
    Plain,
    /// A grid of weights.
    Kernel,
    /// A colour as fractions of the full range.
    Color,
    /// A side of a picture, in pixels.
    Size,
}

/// What an operation's form looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The name for people; none: made of the name in an ImageJob.
    pub label: Option<&'static str>,
    /// Basic or advanced.
    pub group: Group,
    /// Under which heading it stands.
    pub category: &'static str,
    /// Whether its parameters are a rectangle of the image, which can be drawn.
    pub drawn: bool,
    /// The parameters, in the order of the form. One that is not here has what its schema says.
    pub fields: Vec<Field>,
}

/// A parameter's control.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The parameter's name.
    pub name: &'static str,
    /// Its name for people; none: made of the name.
    pub label: Option<&'static str>,
    /// What kind of control.
    pub control: Control,
    /// The value to begin with, where there is no default or a better one.
    pub suggested: Option<Value>,
    /// The smallest change of a slider.
    pub step: Option<f64>,
    /// The unit of a number.
    pub unit: Option<&'static str>,
    /// Whether the slider counts factors, since small values matter most.
    pub logarithmic: bool,
}

impl Form {
    /// A form among others of `category`.
    pub fn new(group: Group, category: &'static str) -> Form {
        Form { label: None, group, category, drawn: false, fields: Vec::new() }
    }

    /// One that everybody knows.
    pub fn basic(category: &'static str) -> Form {
        Form::new(Group::Basic, category)
    }

    /// One that is looked for.
    pub fn advanced(category: &'static str) -> Form {
        Form::new(Group::Advanced, category)
    }

    /// With another name than the one in an ImageJob suggests.
    #[must_use]
    pub fn called(self, label: &'static str) -> Form {
        Form { label: Some(label), ..self }
    }

    /// With a parameter's control.
    #[must_use]
    pub fn with(mut self, field: Field) -> Form {
        self.fields.push(field);
        self
    }

    /// Drawn as a rectangle on the image.
    #[must_use]
    pub fn drawn(self) -> Form {
        Form { drawn: true, ..self }
    }

    /// The control of the parameter `name`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    /// The control of the parameter `name`.
    pub fn new(name: &'static str) -> Field {
        let control = Control::Plain;
        Field { name, label: None, control, suggested: None, step: None, unit: None, logarithmic: false }
    }

    /// A standard deviation or another length in pixels that need not be whole.
    pub fn length(name: &'static str, suggested: f64) -> Field {
        Field::new(name).suggested(suggested).step(0.1).unit("px").logarithmic()
    }

    /// A radius in whole pixels.
    pub fn radius(suggested: u32) -> Field {
        Field::new("radius").suggested(suggested).unit("px")
    }

    /// A factor, where 1 changes nothing.
    pub fn factor(name: &'static str) -> Field {
        Field::new(name).step(0.05)
    }

    /// With another name than the parameter's.
    #[must_use]
    pub fn called(self, label: &'static str) -> Field {
        Field { label: Some(label), ..self }
    }

    /// With a value to begin with.
    #[must_use]
    pub fn suggested(self, value: impl Into<Value>) -> Field {
        Field { suggested: Some(value.into()), ..self }
    }

    /// With the smallest change of a slider.
    #[must_use]
    pub fn step(self, step: f64) -> Field {
        Field { step: Some(step), ..self }
    }

    /// In this unit.
    #[must_use]
    pub fn unit(self, unit: &'static str) -> Field {
        Field { unit: Some(unit), ..self }
    }

    /// By factors.
    #[must_use]
    pub fn logarithmic(self) -> Field {
        Field { logarithmic: true, ..self }
    }

    /// With a control of its own.
    #[must_use]
    pub fn control(self, control: Control) -> Field {
        Field { control, ..self }
    }
}

/// A name in camel case, as people write it: `gaussianBlur` becomes `Gaussian blur`.
pub fn label_of(name: &str) -> String {
    let mut label = String::new();
    for (index, letter) in name.chars().enumerate() {
        match letter {
            _ if index == 0 => label.extend(letter.to_uppercase()),
            _ if letter.is_uppercase() => {
                label.push(' ');
                label.extend(letter.to_lowercase());
            }
            _ => label.push(letter),
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_camel_case_becomes_words() {
        assert_eq!(label_of("gaussianBlur"), "Gaussian blur");
        assert_eq!(label_of("sobel"), "Sobel");
        assert_eq!(label_of("sigma2"), "Sigma2");
    }
}
