// SPDX-License-Identifier: GPL-2.0

//! Makes the Rust of the user-space ABI with the bindgen program, as Kbuild does.

use std::{env, fs, path::Path, process::Command};

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let here = Path::new(&here);
    let uapi = here.join("../../uapi");
    let out = env::var("OUT_DIR").expect("set by cargo");
    let generated = Path::new(&out).join("rust/codec/uapi_generated.rs");
    fs::create_dir_all(generated.parent().expect("not the root")).expect("OUT_DIR is writable");

    let args = fs::read_to_string(here.join("bindgen.args")).expect("bindgen.args is readable");
    let bindgen = env::var("BINDGEN").unwrap_or_else(|_| "bindgen".into());
    let status = Command::new(&bindgen)
        .args(args.lines())
        .arg(here.join("uapi.h"))
        .arg("-o")
        .arg(&generated)
        .arg("--")
        .arg("-I")
        .arg(&uapi)
        .status()
        .unwrap_or_else(|err| panic!("{bindgen}: {err}; install bindgen-cli or set BINDGEN"));
    assert!(status.success(), "{bindgen} failed");

    println!("cargo:rustc-env=CR_OBJ={out}");
    println!("cargo:rerun-if-env-changed=BINDGEN");
    for file in ["build.rs", "bindgen.args", "uapi.h"] {
        println!("cargo:rerun-if-changed={file}");
    }
    println!(
        "cargo:rerun-if-changed={}",
        uapi.join("linux/cr.h").display()
    );
    println!(
        "cargo:rerun-if-changed={}",
        uapi.join("linux/cr_image.h").display()
    );
}
