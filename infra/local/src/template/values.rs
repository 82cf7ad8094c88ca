//! Values that CloudFormation computes: `!Ref`, `!GetAtt` and `!Sub`, over parameters.

use std::collections::{BTreeMap, HashMap};

use serde_yaml_ng::Value;

/// The values of the parameters.
#[derive(Debug)]
pub(super) struct Values(HashMap<String, String>);

impl Values {
    /// The parameters' defaults, under what `given` says of the variables that are declared as parameters.
    pub(super) fn new(
        parameters: &BTreeMap<String, Value>,
        variables: &BTreeMap<String, Value>,
        given: &HashMap<String, String>,
    ) -> Self {
        let mut values: HashMap<_, _> = parameters
            .iter()
            .filter_map(|(name, parameter)| Some((name.clone(), scalar(&parameter["Default"])?)))
            .collect();
        for (variable, declared) in variables {
            if let (Some(parameter), Some(value)) = (target(declared), given.get(variable))
                && values.contains_key(parameter)
            {
                values.insert(parameter.to_owned(), value.clone());
            }
        }
        Self(values)
    }

    /// A value as text; none where only a deployment has it.
    pub(super) fn text(&self, value: &Value) -> Option<String> {
        let Value::Tagged(tagged) = value else { return scalar(value) };
        if tagged.tag == "Ref" {
            return self.0.get(tagged.value.as_str()?).cloned();
        }
        if tagged.tag == "Sub" {
            return self.substitute(tagged.value.as_str()?);
        }
        None
    }

    /// A value as a whole number.
    pub(super) fn number(&self, value: &Value) -> Option<u64> {
        self.text(value)?.parse().ok()
    }

    /// A list of texts.
    pub(super) fn list(&self, value: &Value) -> Vec<String> {
        value.as_sequence().into_iter().flatten().filter_map(|item| self.text(item)).collect()
    }

    /// `${Parameter}` in a text; none when it names anything else.
    fn substitute(&self, text: &str) -> Option<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let end = start + rest[start..].find('}')?;
            result.push_str(&rest[..start]);
            result.push_str(self.0.get(&rest[start + 2..end])?);
            rest = &rest[end + 1..];
        }
        result.push_str(rest);
        Some(result)
    }
}

/// The logical id that `!Ref Id` or `!GetAtt Id.Attribute` names.
pub(super) fn target(value: &Value) -> Option<&str> {
    let Value::Tagged(tagged) = value else { return None };
    let name = tagged.value.as_str()?;
    if tagged.tag == "Ref" {
        Some(name)
    } else if tagged.tag == "GetAtt" {
        name.split('.').next()
    } else {
        None
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
