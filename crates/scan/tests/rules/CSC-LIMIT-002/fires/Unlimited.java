package app;

import org.springframework.security.config.annotation.web.builders.HttpSecurity;

@EnableWebSecurity
class SecurityConfig {

    SecurityFilterChain chain(HttpSecurity http) throws Exception {
        http.formLogin(withDefaults());
        http.sessionManagement(s -> s.maximumSessions(SessionLimit.UNLIMITED));
        return http.build();
    }
}
