package main

import (
	"context"
	"net/http"

	"github.com/gorilla/sessions"
)

func enter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		currentUser := findUser(r.Header.Get("Authorization"))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key, currentUser)))
	})
}

func login(w http.ResponseWriter, r *http.Request) {
	user := check(r.FormValue("name"), r.FormValue("password"))
	session, _ := store.Get(r, "session")
	session.Values["user_id"] = user.ID
	session.Save(r, w)
}

func requireAdmin(w http.ResponseWriter, r *http.Request) bool {
	currentUser := r.Context().Value(key).(*User)
	return currentUser.Role == "admin"
}
