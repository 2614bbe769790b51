package main

import "net/http"

const cookieName = "session"

var sessions = map[string]int64{}

func (a *App) login(w http.ResponseWriter, r *http.Request) {
	u := a.users.Check(r.FormValue("email"), r.FormValue("password"))
	token := randomToken()
	sessions[token] = u.ID
	http.SetCookie(w, &http.Cookie{
		Name:  "session",
		Value: token,
		Path:  "/",
	})
}
