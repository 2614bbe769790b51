package main

// The statement is a constant, as many write it.
const trim = "DELETE FROM sessions WHERE user_id = $1 AND id NOT IN (" +
	"SELECT id FROM sessions WHERE user_id = $1 ORDER BY created_at DESC LIMIT 5)"

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	id := newID()
	s.db.Exec("INSERT INTO sessions (id, user_id) VALUES ($1, $2)", id, user.ID)
	s.db.Exec(trim, user.ID)
	setCookie(w, id)
}

func main() { http.HandleFunc("POST /login", server.login) }
