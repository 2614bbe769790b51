package app;

import org.springframework.security.config.annotation.web.builders.HttpSecurity;

@EnableWebSecurity
class SecurityConfig {
    private static final int MAX_SESSIONS = 3;

    SecurityFilterChain chain(HttpSecurity http) throws Exception {
        http.formLogin(withDefaults());
        http.sessionManagement(s -> s.maximumSessions(MAX_SESSIONS));
        return http.build();
    }
}
