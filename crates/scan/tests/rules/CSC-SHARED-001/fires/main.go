package main

import (
	"net/http"

	"github.com/gorilla/sessions"
)

var currentUser *User

func enter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		currentUser = findUser(r.Header.Get("Authorization"))
		next.ServeHTTP(w, r)
	})
}

func login(w http.ResponseWriter, r *http.Request) {
	user := check(r.FormValue("name"), r.FormValue("password"))
	session, _ := store.Get(r, "session")
	session.Values["user_id"] = user.ID
	session.Save(r, w)
}

func requireAdmin(w http.ResponseWriter, r *http.Request) bool {
	return currentUser.Role == "admin"
}
