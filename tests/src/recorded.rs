//! A service of AWS's that answers what was recorded of it, behind the SDK's HTTP client, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::played::{Answer, Plays};

/// Answers in order, and what was asked for.
#[derive(Debug, Clone, Default)]
pub struct Service {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Plays for Service {
    fn answer(&self, target: &str, asked: &Value) -> Answer {
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        self.asked.lock().unwrap().push((operation.clone(), asked.clone()));
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| panic!("nobody expected {operation}"))
    }
}

impl Service {
    /// Gives these answers, one after the other.
    pub fn answering(answers: Vec<(u16, Value)>) -> Self {
        let service = Self::default();
        service.answers.lock().unwrap().extend(answers.into_iter().map(Some));
        service
    }

    /// Does not answer, once.
    pub fn silent() -> Self {
        let service = Self::default();
        service.answers.lock().unwrap().push_back(None);
        service
    }

    /// What it was asked since the last look: operation and body. All answers must have been given.
    pub fn asked(&self) -> Vec<(String, Value)> {
        assert!(self.answers.lock().unwrap().is_empty(), "answers left over");
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// As [`Service::asked`], the operations alone.
    pub fn operations(&self) -> Vec<String> {
        self.asked().into_iter().map(|(operation, _)| operation).collect()
    }
}
