package main

import "net/http"

const cookieName = "session"

var sessions = map[string]int64{}

func (a *App) login(w http.ResponseWriter, r *http.Request) {
	u := a.users.Check(r.FormValue("email"), r.FormValue("password"))
	token := randomToken()
	sessions[token] = u.ID
	// &http.Cookie{Name: "session", Value: token}
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "", MaxAge: -1})
	c.SetCookie("session", "", -1, "/", "", false, false)
	upstream.AddCookie(&http.Cookie{Name: "auth-token", Value: key})
	http.SetCookie(w, &http.Cookie{Name: "csrf_token", Value: csrf})
}
