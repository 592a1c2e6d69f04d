#![doc = include_str!("api_guide.md")]
