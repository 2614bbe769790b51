package main

import (
	"net/http"

	"github.com/gorilla/sessions"
)

var current *User

func (h *Handler) enter(w http.ResponseWriter, r *http.Request) {
	current, _ = h.users.ByID(r.Context(), r.Header.Get("X-Id"))
	h.next(w, r)
}

func login(w http.ResponseWriter, r *http.Request) {
	user := check(r.FormValue("name"), r.FormValue("password"))
	session, _ := store.Get(r, "session")
	session.Values["user_id"] = user.ID
	session.Save(r, w)
}

func remove(w http.ResponseWriter, r *http.Request) {
	if !current.Admin {
		http.Error(w, "no", 403)
		return
	}
	accounts.Remove(r.FormValue("id"))
}
