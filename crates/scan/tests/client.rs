//! What runs in a browser and what on a server: a folder alone decides for scripts, and for nothing else.

use std::fs;

use innkeeper_scan::{Options, Part, Report, run};

fn scan(files: &[(&str, &str)]) -> Report {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    run(&Options::new(folder.path())).expect("the folder is there")
}

/// Does anybody sign in, and how many files were set apart as scripts of browsers?
fn told(files: &[(&str, &str)]) -> (bool, usize) {
    let report = scan(files);
    let signs_in = report.units.iter().any(|unit| unit.creates_sessions);
    let clients = report.apart.get(&Part::Client).copied();
    (signs_in, clients.unwrap_or(0))
}

const REMIX: &str = r#"
import { redirect, type ActionFunctionArgs } from "@remix-run/node";
import bcrypt from "bcryptjs";
import { commitSession, getSession } from "~/sessions.server";
export async function action({ request }: ActionFunctionArgs) {
  const form = await request.formData();
  const user = await users.find(String(form.get("email")));
  if (!user || !(await bcrypt.compare(String(form.get("password")), user.passwordHash))) return { error: "wrong" };
  const session = await getSession(request.headers.get("Cookie"));
  session.set("userId", user.id);
  return redirect("/", { headers: { "Set-Cookie": await commitSession(session) } });
}
export default function Login() { return <form method="post"><input name="password" /></form>; }
"#;

const PHP: &str = r"<?php
session_start();
$user = $db->find($_POST['email']);
if (password_verify($_POST['password'], $user['password_hash'])) {
    $_SESSION['user_id'] = $user['id'];
}
";

const EXPRESS: &str = r"
import express from 'express';
import bcrypt from 'bcrypt';
const app = express();
app.post('/login', async (req, res) => {
  const user = await users.findOne({ email: req.body.email });
  if (!(await bcrypt.compare(req.body.password, user.hash))) return res.sendStatus(401);
  req.session.userId = user.id;
  res.end();
});
";

const GO: &str = r#"package main

import (
	"net/http"

	"github.com/gorilla/sessions"
	"golang.org/x/crypto/bcrypt"
)

var store = sessions.NewCookieStore([]byte("secret"))

func login(w http.ResponseWriter, r *http.Request) {
	user := find(r.FormValue("email"))
	if bcrypt.CompareHashAndPassword(user.Hash, []byte(r.FormValue("password"))) != nil {
		return
	}
	session, _ := store.Get(r, "session")
	session.Values["user_id"] = user.ID
	session.Save(r, w)
}
"#;

/// A page that keeps who is signed in for the one person in front of it.
const PAGE: &str = r#"
import { useState } from "react";
export async function login(email, password) {
  const res = await fetch("/api/login", { method: "POST", body: JSON.stringify({ email, password }) });
  const user = await res.json();
  session.userId = user.id;
  session.user = user;
}
"#;

#[test]
fn given_servers_in_folders_that_browsers_have_too_when_scanned_then_their_sign_in_is_seen() {
    for (path, text) in [
        ("app/routes/login.tsx", REMIX),
        ("public/login.php", PHP),
        ("src/stores/auth.mjs", EXPRESS),
        ("web/components/auth.mjs", EXPRESS),
        ("api/mobile/main.go", GO),
    ] {
        assert_eq!(told(&[(path, text)]), (true, 0), "{path}");
    }
}

/// One mark is enough, and each of these stands alone.
#[test]
fn given_markup_with_one_mark_of_a_server_when_scanned_then_it_is_judged() {
    for mark in [
        "import { json } from \"@remix-run/node\";",
        "import { prisma } from \"~/db.server\";",
        "import { cookies } from \"next/headers\";",
        "import { PrismaClient } from \"@prisma/client\";",
        "import { randomBytes } from \"node:crypto\";",
        "import \"server-only\";",
        "export async function POST(request) { return login(await request.json()); }",
    ] {
        let text = format!("{mark}\n{PAGE}");
        assert_eq!(told(&[("app/login.tsx", &text)]), (true, 0), "{mark}");
    }
}

#[test]
fn given_a_script_of_a_page_when_scanned_then_it_is_set_apart_and_counted() {
    for path in [
        "frontend/login.js",
        "src/stores/login.ts",
        "src/login.tsx",
        "src/login.jsx",
    ] {
        assert_eq!(told(&[(path, PAGE)]), (false, 1), "{path}");
    }
    let report = scan(&[("frontend/login.js", PAGE)]);
    let text = report.to_text();
    assert!(text.contains("Set apart: 1 client"), "{text}");
}

#[test]
fn given_what_a_script_says_of_itself_when_scanned_then_its_word_counts() {
    let client = format!("// a page\n\"use client\";\n{REMIX}");
    let server = format!("'use server'\n{PAGE}");

    assert_eq!(told(&[("app/login.tsx", &client)]), (false, 1));
    assert_eq!(told(&[("app/login.tsx", &server)]), (true, 0));
}
