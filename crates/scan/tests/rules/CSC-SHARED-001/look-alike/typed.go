package main

import (
	"net/http"

	"github.com/gorilla/sessions"
)

type Meter struct {
	current *Gauge
	limit   int
}

var current *Region

func enter(w http.ResponseWriter, r *http.Request) {
	current, _ = regions.Of(r.Header.Get("X-Region"))
}

func login(w http.ResponseWriter, r *http.Request) {
	user := check(r.FormValue("name"), r.FormValue("password"))
	session, _ := store.Get(r, "session")
	session.Values["user_id"] = user.ID
	session.Save(r, w)
}

func show(w http.ResponseWriter, r *http.Request) {
	if !current.Enabled {
		http.Error(w, "no", 403)
	}
}
