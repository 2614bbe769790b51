package main

import (
	"net/http"

	"github.com/gorilla/sessions"
)

type Server struct {
	user *User
}

func login(w http.ResponseWriter, r *http.Request) {
	user := check(r.FormValue("name"), r.FormValue("password"))
	session, _ := store.Get(r, "session")
	session.Values["user_id"] = user.ID
	session.Save(r, w)
}

func (s *Server) enter(w http.ResponseWriter, r *http.Request) {
	s.user = findUser(r.Header.Get("Authorization"))
	s.show(w)
}

func (s *Server) show(w http.ResponseWriter) {
	render(w, documentsOf(s.user))
}
