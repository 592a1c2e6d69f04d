#![doc = include_str!("problems.md")]
