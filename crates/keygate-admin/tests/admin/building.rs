use std::sync::Arc;

use keygate::MemoryStore;
use keygate_admin::{Admin, AdminConfigError, SignInCode};

fn admin() -> Admin {
    Admin::new(Arc::new(MemoryStore::new()))
}

#[test]
fn page_without_a_way_to_sign_in_is_refused() {
    let admin = admin().on_loopback("127.0.0.1:1".parse().unwrap()).unwrap();
    assert_eq!(admin.build().unwrap_err(), AdminConfigError::NobodySignsIn);
}

#[test]
fn page_without_an_address_is_refused() {
    let admin = admin().with_sign_in_code(SignInCode::new(|_| {}));
    assert_eq!(admin.build().unwrap_err(), AdminConfigError::NoAddress);
    let address = "192.0.2.1:8081".parse().unwrap();
    assert_eq!(
        self::admin().on_loopback(address).unwrap_err(),
        AdminConfigError::NotLoopback { address }
    );
}

#[test]
fn sign_in_code_behind_a_public_url_is_refused() {
    let admin = admin().with_public_url("https://keys.example").unwrap();
    let admin = admin.with_sign_in_code(SignInCode::new(|code| panic!("printed {code}")));
    assert_eq!(admin.build().unwrap_err(), AdminConfigError::CodeOffLoopback);
}

#[test]
fn base_path_is_a_plain_path() {
    for path in ["", "admin", "/", "/admin/", "//a", "/a//b", "/a?b", "/a b", "/a\"b", "/é"] {
        assert_eq!(admin().with_base_path(path).unwrap_err(), AdminConfigError::BasePath, "{path}");
    }
    assert!(admin().with_base_path("/admin/keys-1").is_ok());
    assert!(AdminConfigError::BasePath.to_string().contains("or contain `//`"));
}
