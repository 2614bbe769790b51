package main

import "net/http"

var sessions = map[string]int64{}

func routes(a *App) {
	http.HandleFunc("POST /login", a.login)
	http.HandleFunc("POST /logout", a.logout)
}

func (a *App) login(w http.ResponseWriter, r *http.Request) {
	u := a.users.Check(r.FormValue("email"), r.FormValue("password"))
	token := randomToken()
	sessions[token] = u.ID
	http.SetCookie(w, &http.Cookie{Name: "session", Value: token, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
}

func (a *App) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "", MaxAge: -1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
