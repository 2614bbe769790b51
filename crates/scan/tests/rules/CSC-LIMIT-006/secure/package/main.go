package main

import "shop/internal/sessions"

func login(w http.ResponseWriter, r *http.Request) {
	user, err := check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	setCookie(w, sessions.Open(user))
}
func code(w http.ResponseWriter, r *http.Request) {
	user := byCode(r.FormValue("code"))
	setCookie(w, sessions.Open(user))
}
func main() { http.HandleFunc("POST /login", login); http.HandleFunc("POST /login/code", code) }
