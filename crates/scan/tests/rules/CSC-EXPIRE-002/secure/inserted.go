package main

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	id := newID()
	s.db.Exec("INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, $2, $3)", id, user.ID, soon())
	setCookie(w, id)
}

func main() { http.HandleFunc("POST /login", server.login) }
