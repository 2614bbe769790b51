package main

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	id := newID()
	s.db.Exec("INSERT INTO sessions (id, user_id) VALUES ($1, $2)", id, user.ID)
	setCookie(w, id)
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	s.db.Exec("DELETE FROM sessions WHERE id = $1 AND user_id = $2", r.PathValue("id"), caller(r).ID)
}

func (s *Server) endSessions(w http.ResponseWriter, r *http.Request) {
	current := sessionFrom(r)
	for _, one := range s.store.SessionsByUser(current.UserID) {
		if one.ID != current.ID {
			s.store.DeleteSession(one.ID)
		}
	}
}

func main() {
	http.HandleFunc("POST /login", server.login)
	http.HandleFunc("DELETE /account/sessions/{id}", server.endSession)
	http.HandleFunc("POST /account/sessions/leave", server.endSessions)
}
